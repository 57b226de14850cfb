package audit

import (
	"slices"

	"github.com/weirhq/weir/controlplane"
)

// OfImport is rows of an import, of which there is one at least, as the log has
// them: what Envoys had not counted, by whom it was used and when.
func OfImport(rows []*controlplane.Correction) Image {
	first, last := rows[0], rows[len(rows)-1]
	var accounts []controlplane.ID
	from, to := first.At, first.At
	for _, r := range rows {
		accounts = append(accounts, r.AccountID)
		if r.At.Before(from) {
			from = r.At
		}
		if r.At.After(to) {
			to = r.At
		}
	}
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	image := Image{Object: Object{Correction, controlplane.KindCorrection.Format(first.ID), first.ClientID}, State: State{
		"kind": first.Kind, "reason": first.Reason, "rows": len(rows), "accounts": len(accounts), "from": at(&from), "to": at(&to),
		"firstId": id(controlplane.KindCorrection, first.ID), "lastId": id(controlplane.KindCorrection, last.ID),
	}}
	if len(accounts) == 1 {
		image.AccountID = accounts[0]
	}
	return image
}
