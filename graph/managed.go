package graph

import "github.com/weirhq/weir/controlplane"

// managerFault is what keeps what was sent from being who keeps a new object in files.
func managerFault(manager *string) error {
	if manager == nil {
		return nil
	}
	return controlplane.ValidateManager("manager", manager)
}
