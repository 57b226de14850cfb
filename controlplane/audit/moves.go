package audit

import "github.com/weirhq/weir/controlplane"

// OfTierMove is a move of a tier's accounts as the log has it.
func OfTierMove(m controlplane.TierMove) Image {
	return Image{Object{TierMove, controlplane.KindTierMove.Format(m.ID), ""}, 0, State{
		"id": id(controlplane.KindTierMove, m.ID), "tierId": id(controlplane.KindTier, m.TierID), "versionId": id(controlplane.KindVersion, m.VersionID),
		"when": enum(m.When), "state": enum(m.State), "percent": m.Percent, "accounts": m.Accounts, "moved": m.Moved,
	}}
}

// Place is where an account is, and the revision that it is at there; 0 where that is
// not known yet.
type Place struct {
	TierID, VersionID controlplane.ID
	Revision          int
}

func (p Place) state() State {
	s := State{"tierId": id(controlplane.KindTier, p.TierID), "versionId": id(controlplane.KindVersion, p.VersionID)}
	if p.Revision != 0 {
		s["revision"] = p.Revision
	}
	return s
}

// Moved is the entry of an account of that name that goes from one version to another.
func Moved(account controlplane.ID, name string, from, to Place) Entry {
	return Entry{
		Action: MoveAccount, Object: Object{Account, controlplane.KindAccount.Format(account), name}, AccountID: account,
		Before: from.state(), After: to.state(),
	}
}

// OfAccountMove is a move that is to come, of the account of that name, as the log has
// it.
func OfAccountMove(m controlplane.AccountMove, account string) Image {
	s := Place{TierID: m.TierID, VersionID: m.VersionID}.state()
	s["dueAt"] = at(&m.DueAt)
	return Image{Object{Account, controlplane.KindAccount.Format(m.AccountID), account}, m.AccountID, s}
}
