package postgres_test

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/controlplane/postgres"
)

var databases = pgtest.Databases{Migrate: pgtest.Migrate, Roles: true}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

// open returns an empty database with the schema.
func open(t *testing.T) *postgres.DB {
	t.Helper()
	return connect(t, databases.New(t))
}

func connect(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func perMinute(n int64) controlplane.Limit {
	return rate("per-minute", n, controlplane.Minute, n)
}

// rate is a limit on the requests of an account.
func rate(name string, amount int64, period controlplane.Period, burst int64) controlplane.Limit {
	return controlplane.Limit{
		Name: name, Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
		Kind: controlplane.Rate, Amount: amount, Period: period, Burst: burst, Mode: controlplane.Enforce, FailOpen: true,
	}
}

// onEndpoint makes a limit count the requests to one endpoint.
func onEndpoint(l controlplane.Limit, endpoint controlplane.ID) controlplane.Limit {
	l.Selector, l.Endpoint = controlplane.SelectEndpoint, endpoint
	return l
}

func newTier(t *testing.T, db *postgres.DB, name string, limits ...controlplane.Limit) controlplane.Tier {
	t.Helper()
	tier, _, err := db.CreateTier(t.Context(), name, limits)
	if err != nil {
		t.Fatal(err)
	}
	return tier
}

func newAccount(t testing.TB, db *postgres.DB, name string, tier controlplane.ID) controlplane.Account {
	t.Helper()
	account, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: name, TierID: tier, TimeZone: "UTC", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func policyVersion(t *testing.T, db *postgres.DB) uint64 {
	t.Helper()
	state, err := db.PolicyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return state.Version
}

func wantFault(t *testing.T, err error, code controlplane.Code, field string) {
	t.Helper()
	var fault *controlplane.Error
	if !errors.As(err, &fault) || fault.Code != code || fault.Field != field {
		t.Errorf("got %v, want %s in %s", err, code, field)
	}
}

func TestMigrateAgainAndSideBySide(t *testing.T) {
	url := databases.New(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := pgtest.Migrate(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestUpdateTier(t *testing.T) {
	db := open(t)
	basic := newTier(t, db, "Basic", perMinute(100), rate("burst", 5, controlplane.Second, 5))

	t.Run("keeps, changes, creates and deletes limits", func(t *testing.T) {
		kept := basic.Limits[0]
		kept.Amount = 5
		limits := []controlplane.Limit{rate("burst", 1, controlplane.Hour, 2), kept}
		after, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Limits: &limits})
		if err != nil {
			t.Fatal(err)
		}
		if after.Limits[1] != kept || after.Limits[0].ID == basic.Limits[1].ID || after.Revision != basic.Revision+1 {
			t.Errorf("got %+v, before %+v", after, basic)
		}
		basic = after
	})
	t.Run("lets two limits swap names", func(t *testing.T) {
		limits := append([]controlplane.Limit(nil), basic.Limits...)
		limits[0].Name, limits[1].Name = limits[1].Name, limits[0].Name
		after, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Limits: &limits})
		if err != nil {
			t.Fatal(err)
		}
		basic = after
	})
	t.Run("refuses an edit of an old revision and changes nothing", func(t *testing.T) {
		old, name := basic.Revision-1, "Changed"
		_, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Revision: &old, Name: &name})
		wantFault(t, err, controlplane.CodeConflict, "revision")
		found, err := db.TiersByID(t.Context(), []controlplane.ID{basic.ID})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]controlplane.Tier{basic}, found); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("names the fields at fault", func(t *testing.T) {
		other := newTier(t, db, "Other", perMinute(1))
		limits := []controlplane.Limit{other.Limits[0]}
		_, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Limits: &limits})
		wantFault(t, err, controlplane.CodeNotFound, "limits.0.id")
		limits = []controlplane.Limit{onEndpoint(rate("x", 1, controlplane.Day, 1), 999)}
		_, _, err = db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Limits: &limits})
		wantFault(t, err, controlplane.CodeNotFound, "limits.0.endpointId")
		_, _, err = db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Name: &other.Name})
		wantFault(t, err, controlplane.CodeValidation, "name")
		_, _, err = db.UpdateTier(t.Context(), controlplane.TierEdit{ID: 999})
		wantFault(t, err, controlplane.CodeNotFound, "id")
	})
	t.Run("a tier in use is not deleted", func(t *testing.T) {
		newAccount(t, db, "Birch", basic.ID)
		_, err := db.DeleteTier(t.Context(), basic.ID, nil)
		wantFault(t, err, controlplane.CodeConflict, "id")
	})
}

func TestReorderLimits(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", rate("a", 1, controlplane.Hour, 1), rate("b", 2, controlplane.Hour, 2), rate("c", 3, controlplane.Hour, 3))
	a, b, c := tier.Limits[0], tier.Limits[1], tier.Limits[2]
	reorder := func(revision *int, ids ...controlplane.ID) (controlplane.Tier, error) {
		after, _, err := db.ReorderLimits(t.Context(), controlplane.LimitOrder{TierID: tier.ID, Revision: revision, Limits: ids})
		return after, err
	}
	t.Run("moves limits and leaves them as they are", func(t *testing.T) {
		after, err := reorder(&tier.Revision, c.ID, a.ID, b.ID)
		if diff := cmp.Diff([]controlplane.Limit{c, a, b}, after.Limits); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		found, err := db.TiersByID(t.Context(), []controlplane.ID{tier.ID})
		if err != nil || len(found) != 1 || !cmp.Equal(found[0], after) || after.Revision != tier.Revision+1 {
			t.Errorf("read %+v, %v; want %+v", found, err, after)
		}
	})
	t.Run("refuses an order of an old revision", func(t *testing.T) {
		_, err := reorder(&tier.Revision, a.ID, b.ID, c.ID)
		wantFault(t, err, controlplane.CodeConflict, "revision")
	})
	t.Run("names the limits at fault", func(t *testing.T) {
		other := newTier(t, db, "Other", rate("d", 1, controlplane.Hour, 1))
		_, err := reorder(nil, a.ID, b.ID)
		wantFault(t, err, controlplane.CodeValidation, "limitIds")
		_, err = reorder(nil, a.ID, b.ID, a.ID)
		wantFault(t, err, controlplane.CodeValidation, "limitIds.2")
		_, err = reorder(nil, a.ID, b.ID, other.Limits[0].ID)
		wantFault(t, err, controlplane.CodeNotFound, "limitIds.2")
		_, _, err = db.ReorderLimits(t.Context(), controlplane.LimitOrder{TierID: 999})
		wantFault(t, err, controlplane.CodeNotFound, "tierId")
	})
}

func TestAccountsPageByPage(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic")
	for _, name := range []string{"Alder", "Ash", "Beech", "Birch", "100% Oak"} {
		newAccount(t, db, name, tier.ID)
	}
	var names []string
	var after controlplane.ID
	for {
		page, err := db.Accounts(t.Context(), controlplane.AccountFilter{}, controlplane.AccountOrder{}, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != 5 {
			t.Errorf("total %d, want 5", page.Total)
		}
		for _, a := range page.Accounts {
			names, after = append(names, a.Name), a.ID
		}
		if !page.More {
			break
		}
	}
	if diff := cmp.Diff([]string{"100% Oak", "Alder", "Ash", "Beech", "Birch"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for search, want := range map[string]int{"bEE": 1, "%": 1, "_": 0, "h": 3} {
		page, err := db.Accounts(t.Context(), controlplane.AccountFilter{Text: search, TierID: tier.ID}, controlplane.AccountOrder{}, 0, 10)
		if err != nil || len(page.Accounts) != want || page.Total != want {
			t.Errorf("search %q: %d of %d, %v; want %d", search, len(page.Accounts), page.Total, err, want)
		}
	}
}

func TestVersionsRiseWithEveryChangeAndOnlyThen(t *testing.T) {
	db := open(t)
	before := policyVersion(t, db)
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[uint64]bool{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		wg.Go(func() {
			_, version, err := db.CreateTier(t.Context(), name, nil)
			if err != nil || version <= before {
				t.Errorf("version %d, %v after %d", version, err, before)
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[version] {
				t.Errorf("version %d twice", version)
			}
			seen[version] = true
		})
	}
	wg.Wait()
	last := policyVersion(t, db)
	if _, _, err := db.CreateTier(t.Context(), "a", nil); err == nil {
		t.Fatal("two tiers with one name")
	}
	if now := policyVersion(t, db); now != last {
		t.Errorf("a refused change left version %d; want %d", now, last)
	}
}
