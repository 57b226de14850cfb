package graph

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// loaders gather what the fields of one operation ask for into one query each,
// so that a list of accounts costs as many queries as one account.
type loaders struct {
	now       time.Time // one "now" for the whole operation
	tiers     *dataloadgen.Loader[controlplane.ID, *controlplane.Tier]
	accounts  *dataloadgen.Loader[controlplane.ID, *controlplane.Account]
	endpoints *dataloadgen.Loader[controlplane.ID, *controlplane.Endpoint]
	levels    *dataloadgen.Loader[controlplane.ID, []controlplane.Level] // by account

	limits    *dataloadgen.Loader[controlplane.ID, *controlplane.Limit]
	groups    *dataloadgen.Loader[controlplane.ID, *controlplane.EndpointGroup]
	meters    *dataloadgen.Loader[controlplane.ID, *controlplane.Meter]
	members   *dataloadgen.Loader[controlplane.ID, *controlplane.Member]
	sessions  *dataloadgen.Loader[controlplane.ID, []controlplane.Session]        // by member
	overrides *dataloadgen.Loader[controlplane.ID, []*controlplane.Override]      // by account
	callers   *dataloadgen.Loader[controlplane.ID, caller]                        // by key or identity
	quotas    *dataloadgen.Loader[controlplane.ID, []*controlplane.QuotaStanding] // by account

	keyPages       *pageLoader[controlplane.Key, controlplane.ID]
	identityPages  *pageLoader[controlplane.Identity, controlplane.ID]
	overridePages  *pageLoader[controlplane.Override, postgres.OverridePlace]
	endpointPages  *pageLoader[controlplane.Endpoint, postgres.EndpointPlace] // by group
	versionPages   *pageLoader[controlplane.TierVersion, int]                 // by tier
	numberedCounts *countLoader                                               // by tier
	keyCounts      *countLoader
	identityCounts *countLoader
	overrideCounts *countLoader
	endpointCounts *countLoader // by group

	overridesByID *dataloadgen.Loader[controlplane.ID, *controlplane.Override]
	tokens        *dataloadgen.Loader[controlplane.ID, *controlplane.APIToken]
	denials       *dataloadgen.Loader[controlplane.ID, *controlplane.Denial]
	corrections   *dataloadgen.Loader[controlplane.ID, *controlplane.Correction]
	scheduled     *dataloadgen.Loader[controlplane.ID, *controlplane.ScheduledChange]
	unaccounted   *dataloadgen.Loader[controlplane.ID, *controlplane.UnaccountedUsage]

	versions      *dataloadgen.Loader[controlplane.ID, *controlplane.TierVersion]
	drafts        *dataloadgen.Loader[controlplane.ID, []*controlplane.TierVersion] // by tier: one or none
	tierMoves     *dataloadgen.Loader[controlplane.ID, []*controlplane.TierMove]    // by tier: one or none
	pilots        *dataloadgen.Loader[controlplane.ID, *controlplane.Pilot]
	tierPilots    *dataloadgen.Loader[controlplane.ID, []*controlplane.Pilot] // by tier: one or none
	pilotEffects  *dataloadgen.Loader[controlplane.ID, *controlplane.PilotEffect]
	pendingMoves  *dataloadgen.Loader[controlplane.ID, []*controlplane.AccountMove] // by account: one or none
	standings     *dataloadgen.Loader[controlplane.ID, *postgres.Standing]          // by account
	versionCounts *dataloadgen.Loader[controlplane.ID, int]                         // accounts by version

	lastUsed      *dataloadgen.Loader[ownedKey, *time.Time]
	counts        *dataloadgen.Loader[controlplane.ID, int] // accounts by tier
	defaultCounts *dataloadgen.Loader[controlplane.ID, int] // of them, those that have the tier as the default
	sources       *dataloadgen.Loader[controlplane.ID, *controlplane.EndpointSource]
	imported      *dataloadgen.Loader[controlplane.ID, int] // endpoints by source
	// recentRequests are those of endpoints that nobody may need any more.
	recentRequests *dataloadgen.Loader[controlplane.ID, int64]
	totals         *dataloadgen.Loader[accountRange, *controlplane.Totals] // by account and range
}

type accountRange struct {
	account controlplane.ID
	span
}

// span is a range, and whether its latencies are of interest.
type span struct {
	controlplane.Range
	latencies bool
}

// loaderWait is how long a loader waits for more of the same.
const loaderWait = 2 * time.Millisecond

func (r *Resolver) newLoaders(now time.Time) *loaders {
	db := r.DB
	wait := dataloadgen.WithWait(loaderWait)
	return &loaders{
		now:       now,
		tiers:     dataloadgen.NewMappedLoader(byID(db.TiersByID, func(t *controlplane.Tier) controlplane.ID { return t.ID }), wait),
		accounts:  dataloadgen.NewMappedLoader(byID(db.AccountsByID, func(a *controlplane.Account) controlplane.ID { return a.ID }), wait),
		endpoints: dataloadgen.NewMappedLoader(byID(db.EndpointsByID, func(e *controlplane.Endpoint) controlplane.ID { return e.ID }), wait),
		limits:    dataloadgen.NewMappedLoader(byID(db.LimitsByID, func(l *controlplane.Limit) controlplane.ID { return l.ID }), wait),
		groups:    dataloadgen.NewMappedLoader(byID(db.EndpointGroupsByID, func(g *controlplane.EndpointGroup) controlplane.ID { return g.ID }), wait),
		meters:    dataloadgen.NewMappedLoader(byID(db.MetersByID, func(m *controlplane.Meter) controlplane.ID { return m.ID }), wait),
		sources:   dataloadgen.NewMappedLoader(byID(db.EndpointSourcesByID, func(s *controlplane.EndpointSource) controlplane.ID { return s.ID }), wait),
		members:   dataloadgen.NewMappedLoader(byID(db.MembersByID, func(m *controlplane.Member) controlplane.ID { return m.ID }), wait),
		sessions:  dataloadgen.NewMappedLoader(r.sessionsOf, wait),
		callers:   dataloadgen.NewMappedLoader(callersOf(db), wait),
		lastUsed:  dataloadgen.NewMappedLoader(lastUsedOf(db), wait),

		overrides:      dataloadgen.NewMappedLoader(byOwner(db.OverridesByAccount, func(o *controlplane.Override) controlplane.ID { return o.AccountID }), wait),
		keyPages:       newPageLoader(db.KeysOfAccounts, func(k *controlplane.Key) controlplane.ID { return k.AccountID }),
		identityPages:  newPageLoader(db.IdentitiesOfAccounts, func(i *controlplane.Identity) controlplane.ID { return i.AccountID }),
		overridePages:  newPageLoader(db.OverridesOfAccounts, func(o *controlplane.Override) controlplane.ID { return o.AccountID }),
		endpointPages:  newPageLoader(db.EndpointsOfGroups, func(e *controlplane.Endpoint) controlplane.ID { return e.GroupID }),
		versionPages:   newPageLoader(db.VersionsOfTiers, func(v *controlplane.TierVersion) controlplane.ID { return v.TierID }),
		numberedCounts: newCountLoader(db, postgres.VersionsByOwner),
		keyCounts:      newCountLoader(db, postgres.KeysByOwner),
		identityCounts: newCountLoader(db, postgres.IdentitiesByOwner),
		overrideCounts: newCountLoader(db, postgres.OverridesByOwner),
		endpointCounts: newCountLoader(db, postgres.EndpointsByOwner),

		overridesByID: dataloadgen.NewMappedLoader(byID(db.OverridesByID, func(o *controlplane.Override) controlplane.ID { return o.ID }), wait),
		tokens:        dataloadgen.NewMappedLoader(byID(db.APITokensByID, func(t *controlplane.APIToken) controlplane.ID { return t.ID }), wait),
		denials:       dataloadgen.NewMappedLoader(byID(db.DenialsByID, func(d *controlplane.Denial) controlplane.ID { return d.ID }), wait),
		scheduled:     dataloadgen.NewMappedLoader(byID(db.ScheduledChangesByID, func(c *controlplane.ScheduledChange) controlplane.ID { return c.ID }), wait),
		corrections:   dataloadgen.NewMappedLoader(byID(db.CorrectionsByID, func(c *controlplane.Correction) controlplane.ID { return c.ID }), wait),
		unaccounted:   dataloadgen.NewMappedLoader(byID(db.UnaccountedByID, func(u *controlplane.UnaccountedUsage) controlplane.ID { return u.ID }), wait),

		versions:     dataloadgen.NewMappedLoader(byID(db.VersionsByID, func(v *controlplane.TierVersion) controlplane.ID { return v.ID }), wait),
		standings:    dataloadgen.NewMappedLoader(byID(db.Standings, func(s *postgres.Standing) controlplane.ID { return s.AccountID }), wait),
		drafts:       dataloadgen.NewMappedLoader(byOwner(db.DraftsByTier, func(v *controlplane.TierVersion) controlplane.ID { return v.TierID }), wait),
		tierMoves:    dataloadgen.NewMappedLoader(byOwner(db.TierMoves, func(m *controlplane.TierMove) controlplane.ID { return m.TierID }), wait),
		pilots:       dataloadgen.NewMappedLoader(byID(db.PilotsByID, func(p *controlplane.Pilot) controlplane.ID { return p.ID }), wait),
		tierPilots:   dataloadgen.NewMappedLoader(byOwner(db.PilotsByTier, func(p *controlplane.Pilot) controlplane.ID { return p.TierID }), wait),
		pilotEffects: dataloadgen.NewMappedLoader(byID(db.PilotEffects, func(e *controlplane.PilotEffect) controlplane.ID { return e.PilotID }), wait),
		pendingMoves: dataloadgen.NewMappedLoader(byOwner(db.PendingMoves, func(m *controlplane.AccountMove) controlplane.ID { return m.AccountID }), wait),

		quotas: dataloadgen.NewMappedLoader(byOwner(func(ctx context.Context, accounts []controlplane.ID) ([]controlplane.QuotaStanding, error) {
			return db.QuotaStandings(ctx, accounts, now)
		}, func(s *controlplane.QuotaStanding) controlplane.ID { return s.AccountID }), wait),
		levels: dataloadgen.NewMappedLoader(func(ctx context.Context, accounts []controlplane.ID) (map[controlplane.ID][]controlplane.Level, error) {
			levels, err := db.Levels(ctx, accounts)
			return group(accounts, levels, func(l controlplane.Level) controlplane.ID { return l.AccountID }), err
		}, wait),
		counts:         dataloadgen.NewMappedLoader(withZeros(db.AccountCounts), wait),
		defaultCounts:  dataloadgen.NewMappedLoader(withZeros(db.DefaultAccountCounts), wait),
		versionCounts:  dataloadgen.NewMappedLoader(withZeros(db.VersionCounts), wait),
		totals:         dataloadgen.NewMappedLoader(totalsOf(db), wait),
		recentRequests: dataloadgen.NewMappedLoader(recentRequestsOf(db, now), wait),
		imported:       dataloadgen.NewMappedLoader(withZeros(db.EndpointCounts), wait),
	}
}

// sessionsOf reads the sessions of members; an operation asks for those of one only, who
// is the one that sent it.
func (r *Resolver) sessionsOf(ctx context.Context, members []controlplane.ID) (map[controlplane.ID][]controlplane.Session, error) {
	out := map[controlplane.ID][]controlplane.Session{}
	for _, id := range members {
		sessions, err := r.Auth.Sessions(ctx, id)
		if err != nil {
			return nil, err
		}
		out[id] = sessions
	}
	return out, nil
}

// withZeros makes a loader's fetch of a query for counts; what isn't counted is 0.
func withZeros(query func(context.Context, []controlplane.ID) (map[controlplane.ID]int, error)) func(context.Context, []controlplane.ID) (map[controlplane.ID]int, error) {
	return func(ctx context.Context, ids []controlplane.ID) (map[controlplane.ID]int, error) {
		counts, err := query(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			counts[id] += 0
		}
		return counts, nil
	}
}

// caller is what an id from the keys' sequence names: a key, an identity, or
// nothing any more.
type caller struct {
	key      *controlplane.Key
	identity *controlplane.Identity
}

func callersOf(db *postgres.DB) func(context.Context, []controlplane.ID) (map[controlplane.ID]caller, error) {
	return func(ctx context.Context, ids []controlplane.ID) (map[controlplane.ID]caller, error) {
		keys, err := db.KeysByID(ctx, ids)
		if err != nil {
			return nil, err
		}
		identities, err := db.IdentitiesByID(ctx, ids)
		if err != nil {
			return nil, err
		}
		out := make(map[controlplane.ID]caller, len(ids))
		for _, id := range ids {
			out[id] = caller{}
		}
		for i := range keys {
			out[keys[i].ID] = caller{key: &keys[i]}
		}
		for i := range identities {
			out[identities[i].ID] = caller{identity: &identities[i]}
		}
		return out, nil
	}
}

func totalsOf(db *postgres.DB) func(context.Context, []accountRange) (map[accountRange]*controlplane.Totals, error) {
	return func(ctx context.Context, wanted []accountRange) (map[accountRange]*controlplane.Totals, error) {
		accounts := map[span][]controlplane.ID{}
		for _, w := range wanted {
			accounts[w.span] = append(accounts[w.span], w.account)
		}
		out := map[accountRange]*controlplane.Totals{}
		for r, ids := range accounts {
			read := db.CountsByAccount
			if r.latencies {
				read = db.TotalsByAccount
			}
			totals, err := read(ctx, r.Range, ids)
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				t := totals[id]
				out[accountRange{id, r}] = &t
			}
		}
		return out, nil
	}
}

// byID makes a loader's fetch of a query by ids; an id that names nothing is
// answered with the loader's not-found error.
func byID[T any](query func(context.Context, []controlplane.ID) ([]T, error), id func(*T) controlplane.ID) func(context.Context, []controlplane.ID) (map[controlplane.ID]*T, error) {
	return func(ctx context.Context, ids []controlplane.ID) (map[controlplane.ID]*T, error) {
		found, err := query(ctx, ids)
		out := make(map[controlplane.ID]*T, len(found))
		for i := range found {
			out[id(&found[i])] = &found[i]
		}
		return out, err
	}
}

// byOwner makes a loader's fetch of a query for what belongs to owners.
func byOwner[T any](query func(context.Context, []controlplane.ID) ([]T, error), owner func(*T) controlplane.ID) func(context.Context, []controlplane.ID) (map[controlplane.ID][]*T, error) {
	return func(ctx context.Context, owners []controlplane.ID) (map[controlplane.ID][]*T, error) {
		found, err := query(ctx, owners)
		return group(owners, pointers(found), owner), err
	}
}

// missing turns a loader's not-found error into the caller's mistake.
func missing(err error, field, what string) error {
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return controlplane.NotFound(field, what)
	}
	return err
}

// group sorts values by owner; an owner without any has an empty list.
func group[T any](owners []controlplane.ID, values []T, owner func(T) controlplane.ID) map[controlplane.ID][]T {
	out := make(map[controlplane.ID][]T, len(owners))
	for _, id := range owners {
		out[id] = []T{}
	}
	for _, v := range values {
		out[owner(v)] = append(out[owner(v)], v)
	}
	return out
}

type loadersKey struct{}

// withLoaders gives an operation its loaders. A subscription's are others for each
// event; see setLoaders.
func withLoaders(ctx context.Context, l *loaders) context.Context {
	held := new(atomic.Pointer[loaders])
	held.Store(l)
	return context.WithValue(ctx, loadersKey{}, held)
}

func setLoaders(ctx context.Context, l *loaders) {
	ctx.Value(loadersKey{}).(*atomic.Pointer[loaders]).Store(l)
}

func loadersOf(ctx context.Context) *loaders {
	return ctx.Value(loadersKey{}).(*atomic.Pointer[loaders]).Load()
}
