package postgres_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

func publish(t *testing.T, db *postgres.DB, p controlplane.Publication) controlplane.Tier {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	tier, _, err := db.PublishTier(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return tier
}

// amounts returns a tier's limits with another amount of the first one.
func amounts(tier controlplane.Tier, amount int64) *[]controlplane.Limit {
	limits := append([]controlplane.Limit(nil), tier.Limits...)
	limits[0].Amount, limits[0].Burst = amount, amount
	return &limits
}

// on returns the number of the version that an account is on, and the amount of its
// first limit in the policy.
func on(t *testing.T, db *postgres.DB, account controlplane.ID) (number int, amount uint64) {
	t.Helper()
	standings, err := db.Standings(t.Context(), []controlplane.ID{account})
	if err != nil || len(standings) != 1 {
		t.Fatal(standings, err)
	}
	versions, err := db.VersionsByID(t.Context(), []controlplane.ID{standings[0].VersionID})
	if err != nil || len(versions) != 1 {
		t.Fatal(versions, err)
	}
	return versions[0].Number, planOf(t, readPolicy(t, db), account).Limits[0].Amount
}

func wantOn(t *testing.T, db *postgres.DB, account controlplane.ID, number int, amount uint64) {
	t.Helper()
	if n, a := on(t, db, account); n != number || a != amount {
		t.Errorf("account %d is on version %d, which allows %d; want version %d and %d", account, n, a, number, amount)
	}
}

func TestVersionsOfATier(t *testing.T) {
	url := databases.New(t)
	db := connect(t, url)
	tier := newTier(t, db, "Basic", perMinute(100), rate("hourly", 1000, controlplane.Hour, 1000))
	old := newAccount(t, db, "old", tier.ID)
	newKey(t, db, old.ID)
	none, now := controlplane.Migration{When: controlplane.MoveNone}, controlplane.Migration{When: controlplane.MoveNow}
	tier = publish(t, db, controlplane.Publication{TierID: tier.ID, Limits: amounts(tier, 200), Note: "more", Move: none})
	fresh := newAccount(t, db, "fresh", tier.ID)
	newKey(t, db, fresh.ID)

	t.Run("leave accounts where they are", func(t *testing.T) {
		wantOn(t, db, old.ID, 1, 100)
		wantOn(t, db, fresh.ID, 2, 200)
		counts, err := db.VersionCounts(t.Context(), []controlplane.ID{tier.VersionID, tier.VersionID - 1})
		if diff := cmp.Diff(map[controlplane.ID]int{tier.VersionID: 1, tier.VersionID - 1: 1}, counts); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("keep the identity of limits", func(t *testing.T) {
		before, after := planOf(t, readPolicy(t, db), old.ID), planOf(t, readPolicy(t, db), fresh.ID)
		if before.Tier != after.Tier || before.Limits[0].ID != after.Limits[0].ID || before.Limits[1] != after.Limits[1] {
			t.Errorf("before %+v, after %+v", before, after)
		}
	})
	t.Run("a change of account leaves it on its version", func(t *testing.T) {
		name := "older"
		if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: old.ID, Name: &name, TierID: &tier.ID}); err != nil {
			t.Fatal(err)
		}
		wantOn(t, db, old.ID, 1, 100)
	})
	t.Run("an override is of the limit as the account's version has it", func(t *testing.T) {
		setOverride(t, db, controlplane.Override{AccountID: old.ID, LimitID: tier.Limits[0].ID, Amount: 7})
		wantOn(t, db, old.ID, 1, 7)
		limits := (*amounts(tier, 300))[1:]
		gone := publish(t, db, controlplane.Publication{TierID: tier.ID, Limits: &limits, Move: now})
		wantOn(t, db, old.ID, 3, 1000) // the limit isn't there, so the override waits
		if gone.Limits[0].ID != tier.Limits[1].ID {
			t.Errorf("limits %+v", gone.Limits)
		}
	})
	t.Run("an earlier one comes back with the identity of its limits", func(t *testing.T) {
		again := publish(t, db, controlplane.Publication{TierID: tier.ID, From: 2, Note: "back", Move: now})
		if diff := cmp.Diff(tier.Limits, again.Limits); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		wantOn(t, db, fresh.ID, 4, 200)
		wantOn(t, db, old.ID, 4, 7)
	})
	t.Run("are listed newest first", func(t *testing.T) {
		tiers := []controlplane.ID{tier.ID}
		first, err := db.VersionsOfTiers(t.Context(), tiers, 0, 2)
		if err != nil || len(first) != 3 { // one more, for there are more
			t.Fatalf("%+v, %v", first, err)
		}
		v := first[0]
		if v.Number != 4 || !v.Current || v.Note != "back" || v.PublishedAt == nil || v.PublishedBy.Name != "weir" || first[1].Current {
			t.Errorf("the newest is %+v", v)
		}
		rest, err := db.VersionsOfTiers(t.Context(), tiers, first[2].Number, 3)
		if err != nil || len(rest) != 1 || rest[0].Number != 1 {
			t.Errorf("%+v, %v", rest, err)
		}
	})
	t.Run("what was published can't be changed, by nobody", func(t *testing.T) {
		for _, sql := range []string{
			`update version_limits set amount = 1`,
			`delete from version_limits`,
			`insert into version_limits select * from version_limits`,
			`update tier_versions set note = 'x'`,
			`update tier_versions set state = 'draft', number = null, published_at = null, sealed = false`,
			`delete from tier_versions`,
		} {
			if _, err := dial(t, url).Exec(t.Context(), sql); err == nil {
				t.Errorf("%s: done", sql)
			}
		}
	})
	t.Run("nothing new is no version", func(t *testing.T) {
		same, name := tier.Limits, "Renamed"
		after, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Name: &name, Limits: &same})
		if err != nil || after.Name != name {
			t.Fatal(after, err)
		}
		wantOn(t, db, fresh.ID, 4, 200)
	})
	t.Run("an update of the tier is one for all", func(t *testing.T) {
		if _, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Limits: amounts(tier, 500)}); err != nil {
			t.Fatal(err)
		}
		wantOn(t, db, fresh.ID, 5, 500)
		wantOn(t, db, old.ID, 5, 7)
	})
	t.Run("a tier goes with all of them", func(t *testing.T) {
		alone := newTier(t, db, "Alone", perMinute(1))
		publish(t, db, controlplane.Publication{TierID: alone.ID, Limits: amounts(alone, 2), Move: none})
		if _, err := db.DeleteTier(t.Context(), alone.ID, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDraftOfATier(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100))
	account := newAccount(t, db, "Birch", tier.ID)
	newKey(t, db, account.ID)
	save := func(limits ...controlplane.Limit) controlplane.Tier {
		t.Helper()
		saved, _, err := db.SaveTierDraft(t.Context(), controlplane.TierDraft{TierID: tier.ID, Limits: limits, Note: "try"})
		if err != nil {
			t.Fatal(err)
		}
		return saved
	}
	draft := func() []controlplane.TierVersion {
		t.Helper()
		drafts, err := db.DraftsByTier(t.Context(), []controlplane.ID{tier.ID})
		if err != nil {
			t.Fatal(err)
		}
		return drafts
	}
	t.Run("there is one at most, and nobody is on it", func(t *testing.T) {
		save((*amounts(tier, 200))[0])
		saved := save((*amounts(tier, 300))[0], rate("new", 1, controlplane.Hour, 1))
		if d := draft(); len(d) != 1 || d[0].Number != 0 || d[0].Limits[0].Amount != 300 || len(d[0].Limits) != 2 || d[0].PublishedBy.Name != "weir" || saved.Revision != tier.Revision+2 {
			t.Errorf("drafts %+v of %+v", d, saved)
		}
		wantOn(t, db, account.ID, 1, 100)
	})
	t.Run("is thrown away with its limits", func(t *testing.T) {
		if _, _, err := db.DiscardTierDraft(t.Context(), tier.ID, nil); err != nil {
			t.Fatal(err)
		}
		if d := draft(); len(d) != 0 {
			t.Errorf("drafts %+v", d)
		}
		_, _, err := db.DiscardTierDraft(t.Context(), tier.ID, nil)
		wantFault(t, err, controlplane.CodeNotFound, "tierId")
		_, _, err = db.PublishTier(t.Context(), controlplane.Publication{TierID: tier.ID, Move: controlplane.Migration{When: controlplane.MoveNow}})
		wantFault(t, err, controlplane.CodeNotFound, "tierId")
	})
	t.Run("is published", func(t *testing.T) {
		save((*amounts(tier, 400))[0])
		after := publish(t, db, controlplane.Publication{TierID: tier.ID, Move: controlplane.Migration{When: controlplane.MoveNow}})
		wantOn(t, db, account.ID, 2, 400)
		versions, err := db.VersionsByID(t.Context(), []controlplane.ID{after.VersionID})
		if d := draft(); err != nil || len(d) != 0 || versions[0].Note != "try" {
			t.Errorf("drafts %+v; published %+v, %v", d, versions, err)
		}
	})
	t.Run("an endpoint that it names stays, one of the past goes and keeps it from coming back", func(t *testing.T) {
		endpoint, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users", Cost: 1})
		if err != nil {
			t.Fatal(err)
		}
		save(onEndpoint(rate("users", 1, controlplane.Hour, 1), endpoint.ID))
		_, err = db.DeleteEndpoint(t.Context(), endpoint.ID, nil)
		wantFault(t, err, controlplane.CodeConflict, "id")
		publish(t, db, controlplane.Publication{TierID: tier.ID, Move: controlplane.Migration{When: controlplane.MoveNow}})
		publish(t, db, controlplane.Publication{TierID: tier.ID, From: 1, Move: controlplane.Migration{When: controlplane.MoveNow}})
		if _, err := db.DeleteEndpoint(t.Context(), endpoint.ID, nil); err != nil {
			t.Fatal(err)
		}
		_, _, err = db.PublishTier(t.Context(), controlplane.Publication{TierID: tier.ID, From: 3, Move: controlplane.Migration{When: controlplane.MoveNow}})
		wantFault(t, err, controlplane.CodeConflict, "fromVersion")
		if name := controlplane.KindEndpoint.Format(endpoint.ID) + " GET /v1/users"; !strings.Contains(err.Error(), "users") || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: it doesn't say that users names %s", err, name)
		}
	})
	t.Run("a copy has limits of its own", func(t *testing.T) {
		copied, _, err := db.CopyTier(t.Context(), tier.ID, "Copy")
		if err != nil || len(copied.Limits) != 1 || copied.Limits[0].Name != "per-minute" || copied.Limits[0].ID == tier.Limits[0].ID {
			t.Errorf("%+v, %v", copied, err)
		}
	})
}
