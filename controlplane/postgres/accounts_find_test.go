package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

func newAccountAs(t *testing.T, db *postgres.DB, a controlplane.NewAccount) controlplane.Account {
	t.Helper()
	a.TimeZone, a.BillingDay = "UTC", 1
	account, _, err := db.CreateAccount(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func found(t *testing.T, db *postgres.DB, f controlplane.AccountFilter, o controlplane.AccountOrder) (names []string) {
	t.Helper()
	var after controlplane.ID
	for {
		page, err := db.Accounts(t.Context(), f, o, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Accounts {
			names, after = append(names, a.Name), a.ID
		}
		if !page.More {
			if page.Total != len(names) {
				t.Errorf("%+v finds %d, and says %d", f, len(names), page.Total)
			}
			return names
		}
	}
}

func TestAccountsAreFound(t *testing.T) {
	db := open(t)
	soon, later := time.Now().Add(time.Hour), time.Now().Add(48*time.Hour)
	trial := func(at time.Time) *controlplane.Trial {
		return &controlplane.Trial{EndsAt: at, Then: controlplane.TrialSuspends}
	}
	alder := newAccountAs(t, db, controlplane.NewAccount{Name: "Älder GmbH", Labels: controlplane.Labels{"env": "prod", "region": "eu"}, Trial: trial(later)})
	birch := newAccountAs(t, db, controlplane.NewAccount{Name: "Birch", Labels: controlplane.Labels{"env": "test", "place": "Øst Straße, Læsø"}, Trial: trial(soon)})
	cedar := newAccountAs(t, db, controlplane.NewAccount{Name: "Cedar 100%", Labels: controlplane.Labels{"env": "prod"}})
	key, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: birch.ID, Name: "ci"}, controlplane.NewSecret("wk_live_"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.AddIdentity(t.Context(), controlplane.Identity{AccountID: cedar.ID, Kind: controlplane.JWTSubject, Value: "svc-Zoë@example"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: cedar.ID, Status: controlplane.AccountClosed}); err != nil {
		t.Fatal(err)
	}
	prod := "prod"
	for what, tc := range map[string]struct {
		filter controlplane.AccountFilter
		order  controlplane.AccountOrder
		want   string
	}{
		"all":                         {want: "Birch, Cedar 100%, Älder GmbH"},
		"letters as others type them": {filter: controlplane.AccountFilter{Text: "ost strasse place=ost laeso"}, want: "Birch"},
		"letters as they are":         {filter: controlplane.AccountFilter{Text: "øST STRAẞE læsØ"}, want: "Birch"},
		"a name without its accent":   {filter: controlplane.AccountFilter{Text: "ALDER"}, want: "Älder GmbH"},
		"a name in its other form":    {filter: controlplane.AccountFilter{Text: "A\u0308lder"}, want: "Älder GmbH"},
		"a variation selector":        {filter: controlplane.AccountFilter{Text: "bir\ufe0fch"}, want: "Birch"},
		"another space":               {filter: controlplane.AccountFilter{Text: "gmbh\u00a0eu"}, want: "Älder GmbH"},
		"two words":                   {filter: controlplane.AccountFilter{Text: "gmbh eu"}, want: "Älder GmbH"},
		"words of two accounts":       {filter: controlplane.AccountFilter{Text: "gmbh birch"}},
		"a label":                     {filter: controlplane.AccountFilter{Text: "env=PROD"}, want: "Cedar 100%, Älder GmbH"},
		"a percent sign":              {filter: controlplane.AccountFilter{Text: "%"}, want: "Cedar 100%"},
		"an id":                       {filter: controlplane.AccountFilter{Text: fmt.Sprint("acc_", birch.ID)}, want: "Birch"},
		"a key's beginning":           {filter: controlplane.AccountFilter{Text: strings.ToUpper(key.Prefix)}, want: "Birch"},
		"a whole key":                 {filter: controlplane.AccountFilter{Text: key.Prefix + "ABCDEFGHIJKLMNOP"}, want: "Birch"},
		"an identity":                 {filter: controlplane.AccountFilter{Text: "zoe@"}, want: "Cedar 100%"},
		"a label's value":             {filter: controlplane.AccountFilter{Labels: []controlplane.LabelFilter{{Key: "env", Value: &prod}}}, want: "Cedar 100%, Älder GmbH"},
		"two labels":                  {filter: controlplane.AccountFilter{Labels: []controlplane.LabelFilter{{Key: "env", Value: &prod}, {Key: "region"}}}, want: "Älder GmbH"},
		"statuses":                    {filter: controlplane.AccountFilter{Statuses: []controlplane.AccountStatus{controlplane.AccountTrial, controlplane.AccountActive}}, want: "Birch, Älder GmbH"},
		"trials that end soon":        {filter: controlplane.AccountFilter{TrialEndsBefore: &later}, want: "Birch"},
		"names, to the letter":        {filter: controlplane.AccountFilter{Names: []string{"Birch", "cedar 100%", "none"}}, want: "Birch"},
		"ids":                         {filter: controlplane.AccountFilter{IDs: []controlplane.ID{cedar.ID}}, want: "Cedar 100%"},
		"the newest first":            {order: controlplane.AccountOrder{By: controlplane.ByCreation, Descending: true}, want: "Cedar 100%, Birch, Älder GmbH"},
		"by the end of the trial":     {order: controlplane.AccountOrder{By: controlplane.ByTrialEnd}, want: "Birch, Älder GmbH, Cedar 100%"},
		"the last name first":         {order: controlplane.AccountOrder{Descending: true}, want: "Älder GmbH, Cedar 100%, Birch"},
	} {
		t.Run(what, func(t *testing.T) {
			if got := strings.Join(found(t, db, tc.filter, tc.order), ", "); got != tc.want {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
	if diff := cmp.Diff(controlplane.Labels{"env": "prod", "region": "eu"}, alder.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// forest makes accounts of which one in a hundred is on trial and one in a
// thousand an oak, with a key and an identity each.
func forest(ctx context.Context, t testing.TB, url string, n int) {
	t.Helper()
	conn := dial(t, url)
	for _, sql := range []string{
		`insert into accounts (name, labels, status, trial_ends_at, trial_then)
			select case when i % 1000 = 0 then 'Oak ' else 'Maple ' end || md5('x' || i), jsonb_build_object('env', 'e' || i % 500),
				case when i % 100 = 0 then 'trial' else 'active' end, case when i % 100 = 0 then now() + interval '1 year' end,
				case when i % 100 = 0 then 'suspend' end
			from generate_series(1, $1::int) i`,
		`insert into keys (account_id, name, prefix, digest) select id, 'k', 'wk_live_' || left(md5(name), 4), sha256(name::bytea) from accounts where $1 > 0`,
		`insert into identities (account_id, kind, value) select id, 'jwt', 'svc-' || md5(name) from accounts where $1 > 0`,
	} {
		if _, err := conn.Exec(ctx, sql, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(ctx, `analyze accounts; analyze keys; analyze identities`); err != nil {
		t.Fatal(err)
	}
}

func TestSearchesUseTheirIndexes(t *testing.T) {
	url := databases.New(t)
	db := connect(t, url)
	forest(t.Context(), t, url, 2000)
	value := "e7"
	for what, tc := range map[string]struct {
		filter  controlplane.AccountFilter
		indexes []string
		found   int
	}{
		"text":     {controlplane.AccountFilter{Text: "oak"}, []string{"accounts_search_idx", "identities_search_idx", "keys_prefix_idx"}, 2},
		"a label":  {controlplane.AccountFilter{Labels: []controlplane.LabelFilter{{Key: "env", Value: &value}}}, []string{"accounts_labels_idx"}, 4},
		"a status": {controlplane.AccountFilter{Statuses: []controlplane.AccountStatus{controlplane.AccountTrial, controlplane.AccountClosed}}, []string{"accounts_status_idx"}, 20},
	} {
		t.Run(what, func(t *testing.T) {
			plan, err := db.ExplainAccounts(t.Context(), tc.filter)
			if err != nil {
				t.Fatal(err)
			}
			if missing := slices.DeleteFunc(tc.indexes, func(index string) bool { return strings.Contains(plan, index) }); len(missing) > 0 || strings.Contains(plan, "Seq Scan on keys") {
				t.Errorf("%v are not used in\n%s", missing, plan)
			}
			if got := len(found(t, db, tc.filter, controlplane.AccountOrder{})); got != tc.found {
				t.Errorf("found %d, want %d", got, tc.found)
			}
		})
	}
}

func BenchmarkSearchOfAccounts(b *testing.B) {
	url := databases.New(b)
	db, err := postgres.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	forest(b.Context(), b, url, 100_000)
	for _, text := range []string{"oak", "maple 0a1", "ab", "wk_live_00", "acc_77"} {
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := db.Accounts(b.Context(), controlplane.AccountFilter{Text: text}, controlplane.AccountOrder{}, 0, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
