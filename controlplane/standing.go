package controlplane

import "time"

// QuotaStanding says where an account, or one of its keys, stands with a quota
// in a period. All numbers are units of the limit's measure.
type QuotaStanding struct {
	AccountID, LimitID     ID
	TierID                 ID // of the limit: the account's, or one that a claim of a token named
	KeyID                  ID // a key's or an identity's; 0: all of the account's share it
	PeriodStart, PeriodEnd time.Time
	Amount                 int64 // with the account's override
	Consumed               int64 // reported as used of what was leased, less what was given back, and WrittenOff
	Outstanding            int64 // leased, and not reported as used yet
	WrittenOff             int64 // leased to processes that went away without a report
	Overspent              int64 // used beyond what was leased, and beyond what there was to cover it
}

// Overage is by how much what Envoys reported as used exceeds the amount. What was
// written off counts as consumed, but nobody knows it to be used.
func (s QuotaStanding) Overage() int64 {
	return max(0, s.Consumed-s.WrittenOff+s.Overspent-s.Amount)
}

// Remaining is what is neither consumed nor leased.
func (s QuotaStanding) Remaining() int64 { return max(0, s.Amount-s.Consumed-s.Outstanding) }
