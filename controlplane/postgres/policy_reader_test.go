package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
)

// editor makes random changes of policy, of every sort there is.
type editor struct {
	t         *testing.T
	db        *postgres.DB
	random    *rand.Rand
	made      int
	tiers     []controlplane.Tier
	accounts  []controlplane.ID
	keys      []controlplane.ID
	endpoints []controlplane.ID
}

func (e *editor) name() string {
	e.made++
	return fmt.Sprint("thing ", e.made)
}

func pick[T any](e *editor, list []T) T { return list[e.random.IntN(len(list))] }

func (e *editor) must(_ uint64, err error) {
	if err != nil && controlplane.Faults(err) == nil {
		e.t.Fatal(err)
	}
}

func (e *editor) edit() {
	ctx, db := e.t.Context(), e.db
	switch e.random.IntN(14) {
	case 0:
		e.tiers = append(e.tiers, newTier(e.t, db, e.name(), perMinute(100), rate("hourly", 1000, controlplane.Hour, 1000)))
	case 1:
		e.accounts = append(e.accounts, newAccount(e.t, db, e.name(), pick(e, []controlplane.ID{0, pick(e, e.tiers).ID})).ID)
	case 2, 3:
		e.keys = append(e.keys, newKey(e.t, db, pick(e, e.accounts)).ID)
	case 4:
		tier := pick(e, []controlplane.ID{0, pick(e, e.tiers).ID})
		status := []controlplane.AccountStatus{controlplane.AccountActive, controlplane.AccountSuspended}[e.random.IntN(2)]
		_, v, err := db.UpdateAccount(ctx, controlplane.AccountEdit{ID: pick(e, e.accounts), TierID: &tier, Status: status})
		e.must(v, err)
	case 5:
		_, v, err := db.ResetAccount(ctx, pick(e, e.accounts))
		e.must(v, err)
	case 6, 7:
		until := time.Now().Add(time.Duration(e.random.IntN(20)) * time.Millisecond)
		o := controlplane.Override{AccountID: pick(e, e.accounts), LimitID: pick(e, pick(e, e.tiers).Limits).ID, Amount: 1 + e.random.Int64N(3)}
		if e.random.IntN(2) == 0 {
			o.Until = &until
		}
		_, v, err := db.SetOverride(ctx, o, nil)
		e.must(v, err)
	case 8:
		e.must(0, db.EndOverrides(ctx))
	case 9:
		tier := &e.tiers[e.random.IntN(len(e.tiers))]
		limits := slices.Clone(tier.Limits[:1+e.random.IntN(len(tier.Limits))])
		limits[0].Amount++
		limits = append(limits, rate(fmt.Sprint("more-", e.made), 1, controlplane.Day, 1))
		e.made++
		after, v, err := db.UpdateTier(ctx, controlplane.TierEdit{ID: tier.ID, Limits: &limits})
		if e.must(v, err); err == nil {
			*tier = after
		}
	case 10:
		id := pick(e, e.tiers).ID
		_, v, err := db.SetDefaults(ctx, controlplane.DefaultsEdit{TierID: &id})
		e.must(v, err)
	case 11:
		endpoint, v, err := db.CreateEndpoint(ctx, controlplane.Endpoint{Method: "GET", Template: fmt.Sprint("/", e.made), Cost: 1})
		if e.made++; err == nil {
			e.endpoints = append(e.endpoints, endpoint.ID)
		}
		e.must(v, err)
		_, v, err = db.CreateMeter(ctx, controlplane.Meter{Name: e.name(), Unit: "u", Header: "x-u", EndpointID: endpoint.ID})
		e.must(v, err)
	case 12:
		_, v, err := db.AddIdentity(ctx, controlplane.Identity{AccountID: pick(e, e.accounts), Kind: controlplane.JWTSubject, Value: e.name()})
		e.must(v, err)
		v, err = db.DeleteEndpoint(ctx, pick(e, append(e.endpoints, 99)), nil)
		e.must(v, err)
	case 13:
		_, v, err := db.RevokeKey(ctx, pick(e, append(e.keys, 99)))
		e.must(v, err)
	}
}

func samePolicy(t *testing.T, what string, want, got book.Policy) {
	t.Helper()
	byID := cmpopts.SortSlices(func(a, b book.Key) bool { return a.ID < b.ID })
	plans := cmpopts.SortSlices(func(a, b book.Plan) bool { return a.ID < b.ID })
	endpoints := cmpopts.SortSlices(func(a, b book.Endpoint) bool { return a.ID < b.ID })
	if diff := gocmp.Diff(want, got, byID, plans, endpoints, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func TestReadingWhatChangedIsReadingEverything(t *testing.T) {
	db := open(t)
	e := &editor{t: t, db: db, random: rand.New(rand.NewPCG(1, 2))}
	e.tiers = append(e.tiers, newTier(t, db, "first", perMinute(1)))
	e.accounts = append(e.accounts, newAccount(t, db, "first", 0).ID)
	reader := db.PolicyReader()
	for i := range 120 {
		for range 1 + e.random.IntN(4) {
			e.edit()
		}
		got, err := reader.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want, err := db.Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		samePolicy(t, fmt.Sprintf("after round %d", i), want, got)
		if _, err := book.Compile(got, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEditReadsWhatItChanged(t *testing.T) {
	url := databases.New(t)
	db := connect(t, url)
	const accounts = 2000
	tier := manyAccounts(t, db, url, accounts)
	reader := db.PolicyReader()
	read := func() int {
		t.Helper()
		if _, err := reader.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		return reader.RowsRead()
	}
	if n := read(); n < accounts {
		t.Fatalf("at first %d rows, want those of %d accounts", n, accounts)
	}
	account := newAccount(t, db, "one more", tier.ID)
	newKey(t, db, account.ID)
	if n := read(); n > 10 {
		t.Errorf("a new account with a key: %d rows", n)
	}
	if n := read(); n > 5 {
		t.Errorf("nothing: %d rows", n)
	}
	limits := tier.Limits
	limits[0].Amount++
	if _, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Limits: &limits}); err != nil {
		t.Fatal(err)
	}
	if n := read(); n > 20 {
		t.Errorf("a tier that all are on: %d rows", n)
	}
	t.Run("a restored database is read anew", func(t *testing.T) {
		// The same number, of another history.
		if _, err := dial(t, url).Exec(t.Context(), `update policy_versions set mark = gen_random_uuid()`); err != nil {
			t.Fatal(err)
		}
		if n := read(); n < accounts {
			t.Errorf("%d rows", n)
		}
	})
	t.Run("and so is one whose log has been cut", func(t *testing.T) {
		newKey(t, db, account.ID)
		if _, err := dial(t, url).Exec(t.Context(), `delete from policy_versions where version < (select version from policy)`); err != nil {
			t.Fatal(err)
		}
		if n := read(); n < accounts {
			t.Errorf("%d rows", n)
		}
	})
	t.Run("and after more changes than are worth listing", func(t *testing.T) {
		if _, err := dial(t, url).Exec(t.Context(), `
			with v as (update policy set version = version + 1 returning version)
			insert into policy_versions (version) select version from v`); err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t, url).Exec(t.Context(), `update accounts set status = 'suspended'`); err != nil {
			t.Fatal(err)
		}
		var noted []int64
		if err := dial(t, url).QueryRow(t.Context(), `select array_agg(account_id) from policy_changes where version = (select version from policy)`).Scan(&noted); err != nil {
			t.Fatal(err)
		}
		if n := read(); n < accounts || !slices.Equal(noted, []int64{-1}) {
			t.Errorf("%d rows; noted %v", n, noted)
		}
	})
}

// manyAccounts makes accounts of a tier with a key each, of which every tenth has
// an override.
func manyAccounts(t testing.TB, db *postgres.DB, url string, n int) controlplane.Tier {
	t.Helper()
	tier, _, err := db.CreateTier(t.Context(), "Basic", []controlplane.Limit{perMinute(100), rate("hourly", 1000, controlplane.Hour, 1000)})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `
		with a as (insert into accounts (name, tier_id) select 'account ' || n, $1 from generate_series(1, $3::int) n returning id),
			k as (insert into keys (account_id, name, prefix, digest) select id, 'key', '', sha256(id::text::bytea) from a returning id)
		insert into overrides (account_id, limit_id, amount, note) select id, $2::bigint, 1000 + id, '' from a where id % 10 = 0`,
		tier.ID, tier.Limits[0].ID, n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `analyze`); err != nil {
		t.Fatal(err)
	}
	return tier
}
