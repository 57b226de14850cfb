package audit

import "github.com/weirhq/weir/controlplane"

// OfPilot is a pilot as the log has it.
func OfPilot(p controlplane.Pilot) Image {
	accounts := make([]any, len(p.Accounts))
	for i, account := range p.Accounts {
		accounts[i] = id(controlplane.KindAccount, account)
	}
	return Image{Object{Pilot, controlplane.KindPilot.Format(p.ID), p.Name}, 0, State{
		"id": id(controlplane.KindPilot, p.ID), "tierId": id(controlplane.KindTier, p.TierID), "versionId": id(controlplane.KindVersion, p.VersionID),
		"name": p.Name, "state": enum(p.State), "percent": p.Percent, "accountIds": accounts, "promotedTo": id(controlplane.KindVersion, p.PromotedTo),
	}}
}

// OfNewPilot is a pilot at its start, with what it tries.
func OfNewPilot(p controlplane.Pilot, limits []controlplane.Limit) Image {
	image := OfPilot(p)
	image.State["limits"] = ofLimits(limits)
	return image
}
