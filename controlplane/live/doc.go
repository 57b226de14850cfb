// Package live keeps figures of this moment for subscribers: the usage of today,
// the accounts that sent most in the last minutes, and which accounts have news.
//
// In come announcements, one for each round of a rollup worker of any process and
// one for each transaction of corrections, and now and then a base: what the store
// had at one moment. Out go figures, to
// each subscriber at most as often as it wants them, and always the newest.
//
//	figure = base + announcements of what the base has not got
//
// The store is authoritative, announcements only save asking it. Both name the
// batches that they count, so that nothing is in a figure twice, however an
// announcement and the reading of a base overlap. When an announcement may have
// been lost, the figures are withheld until there is a new base; and every half
// minute they get one anyway, which ends what nobody noticed.
//
// It keeps only what somebody is subscribed to: a few numbers for each scope, and
// for the ranking of accounts some hundred bytes for each active one. Nothing
// here survives a crash, and nothing needs to.
package live
