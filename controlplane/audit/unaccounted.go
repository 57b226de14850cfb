package audit

import (
	"encoding/hex"

	"github.com/weirhq/weir/controlplane"
)

// OfUnaccounted is usage that went missing as the log has it.
func OfUnaccounted(u *controlplane.UnaccountedUsage) Image {
	name := controlplane.KindUnaccounted.Format(u.ID)
	var atMost any // nil: nobody knows
	if u.AtMost != nil {
		atMost = count(*u.AtMost)
	}
	return Image{Object: Object{Unaccounted, name, u.Node}, State: State{
		"id": name, "kind": u.Kind, "source": hex.EncodeToString(u.Source[:]), "node": u.Node, "from": at(&u.From), "until": at(u.Until),
		"atLeast": count(u.AtLeast), "atMost": atMost, "batches": count(u.Batches), "foundAt": at(&u.FoundAt), "resolvedAt": at(u.ResolvedAt),
	}}
}
