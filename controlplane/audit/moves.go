package audit

import "github.com/weirhq/weir/controlplane"

// OfTierMove is a move of a tier's accounts as the log has it.
func OfTierMove(m controlplane.TierMove) Image {
	return Image{Object{TierMove, controlplane.KindTierMove.Format(m.ID), ""}, 0, State{
		"id": id(controlplane.KindTierMove, m.ID), "tierId": id(controlplane.KindTier, m.TierID), "versionId": id(controlplane.KindVersion, m.VersionID),
		"when": enum(m.When), "state": enum(m.State), "percent": m.Percent, "accounts": m.Accounts, "moved": m.Moved,
	}}
}

// OfLastMove is all of a move that has to come back with a tier that was deleted.
func OfLastMove(m controlplane.TierMove) State {
	s := OfTierMove(m).State
	s["steps"], s["stepMinutes"] = m.Steps, m.StepMinutes
	s["startedAt"], s["endedAt"] = at(&m.StartedAt), at(m.EndedAt)
	return s
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

// Returned are accounts that went back to a version.
type Returned struct {
	VersionID        controlplane.ID
	Number, Accounts int
}

// PublicationReverted is the entry of the revert of a publication, whose record is at
// seq, that put accounts back.
func PublicationReverted(v controlplane.TierVersion, tier string, seq int64, back []Returned) Entry {
	all, states := 0, make([]State, len(back))
	for i, b := range back {
		all += b.Accounts
		states[i] = State{"versionId": id(controlplane.KindVersion, b.VersionID), "number": b.Number, "accounts": b.Accounts}
	}
	return Created(RevertPublication, Image{Object{TierVersion, controlplane.KindVersion.Format(v.ID), tier}, 0, State{
		"id": id(controlplane.KindVersion, v.ID), "tierId": id(controlplane.KindTier, v.TierID), "number": v.Number,
		"publication": seq, "backTo": states, "accounts": all,
	}})
}
