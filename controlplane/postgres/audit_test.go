package postgres_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// recorded returns the newest records, newest first.
func recorded(t *testing.T, db *postgres.DB, f audit.Filter) []audit.Record {
	t.Helper()
	page, err := db.AuditLog(t.Context(), f, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	return page.Records
}

func verified(t *testing.T, db *postgres.DB, c audit.Check) audit.Report {
	t.Helper()
	report, err := db.VerifyAudit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// stateOf reads one side of a record.
func stateOf(t *testing.T, text json.RawMessage) map[string]any {
	t.Helper()
	var s map[string]any
	if text != nil {
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestAChangeIsRecordedWithWhoAndWhat(t *testing.T) {
	t.Parallel()
	db := open(t)
	by := controlplane.Actor{Kind: controlplane.ActorMember, ID: 3, Name: "Ada", RequestID: "req-1"}
	ctx := controlplane.WithActor(t.Context(), by)
	account, _, err := db.CreateAccount(ctx, controlplane.NewAccount{Name: "Acme", TimeZone: "UTC", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	name := "Acme Ltd"
	if _, _, err := db.UpdateAccount(ctx, controlplane.AccountEdit{ID: account.ID, Name: &name}); err != nil {
		t.Fatal(err)
	}
	all := recorded(t, db, audit.Filter{AccountID: account.ID})
	if len(all) != 2 {
		t.Fatalf("there are %d records", len(all))
	}
	r := all[0]
	if r.Action != audit.UpdateAccount || r.Actor != by || r.Object.Name != "Acme Ltd" || time.Since(r.At) > time.Hour {
		t.Errorf("it says %+v", r)
	}
	before, after := stateOf(t, r.Before), stateOf(t, r.After)
	if before["name"] != "Acme" || after["name"] != "Acme Ltd" || after["billingDay"] != 1.0 {
		t.Errorf("before %s, after %s", r.Before, r.After)
	}
	if all[1].Before != nil {
		t.Errorf("before it was created, it was %s", all[1].Before)
	}
	if report := verified(t, db, audit.Check{}); !report.Complete() || report.Checked != 2 {
		t.Errorf("%+v", report)
	}
}

func TestNoSecretIsRecorded(t *testing.T) {
	t.Parallel()
	db := open(t)
	account, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: "Acme", TimeZone: "UTC", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	secret := controlplane.NewKeySecret(controlplane.Live)
	if _, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account.ID, Name: "ci"}, secret); err != nil {
		t.Fatal(err)
	}
	r := recorded(t, db, audit.Filter{Actions: []audit.Action{audit.CreateKey}})[0]
	line, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	if text := string(line); !strings.Contains(text, secret.Prefix()) || strings.Contains(text, secret.Reveal()) || strings.Contains(text, "digest") {
		t.Errorf("it says %s", text)
	}
}

func TestAChangeThatCannotBeRecordedIsNotMade(t *testing.T) {
	t.Parallel()
	db, conn := openBoth(t)
	_, err := conn.Exec(t.Context(), `alter table audit_records add constraint full_up check (seq < 2)`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.CreateTier(t.Context(), "First", nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.CreateTier(t.Context(), "Second", nil); err == nil || controlplane.Faults(err) != nil {
		t.Errorf("the second change ends with %v", err)
	}
	tiers, err := db.Tiers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range tiers {
		if tier.Name == "Second" {
			t.Error("the change was made without a record")
		}
	}
	if report := verified(t, db, audit.Check{}); !report.Complete() || report.Checked != 1 {
		t.Errorf("%+v", report)
	}
}

func TestChangesAtOnceKeepTheLogWhole(t *testing.T) {
	t.Parallel()
	url := databases.New(t)
	first, second := connect(t, url), connect(t, url)
	account, _, err := first.CreateAccount(t.Context(), controlplane.NewAccount{Name: "Acme", TimeZone: "UTC", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	const each = 20
	var changing sync.WaitGroup
	for _, db := range []*postgres.DB{first, second} {
		changing.Go(func() {
			for range each {
				if _, _, err := db.ResetAccount(t.Context(), account.ID); err != nil {
					t.Error(err)
				}
			}
		})
		changing.Go(func() {
			for i := range each {
				_, err := db.Correct(t.Context(), []controlplane.NewCorrection{{
					Kind: controlplane.KindAdjustment, ClientID: string(rune('a'+i)) + time.Now().String(), AccountID: account.ID, At: time.Now().Add(-time.Minute), Requests: 1, Reason: "test",
				}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	changing.Wait()
	if report := verified(t, first, audit.Check{}); !report.Complete() || report.Checked != 4*each+1 {
		t.Errorf("%+v", report)
	}
}

func TestTheLogRefusesToBeChanged(t *testing.T) {
	t.Parallel()
	db, conn := openBoth(t)
	newTier(t, db, "Basic", perMinute(10))
	newTier(t, db, "Pro", perMinute(20))
	for _, sql := range []string{
		`update audit_records set actor_name = 'Eve'`, `delete from audit_records where seq = 2`, `truncate audit_records`,
		`delete from audit_head`, `truncate audit_head`, `update audit_head set seq = 1`, `update audit_head set seq = 7`,
		`insert into audit_records select h.seq + i, now(), 'SYSTEM', 0, '', '', 'UPDATE_TIER', 'TIER', '', '', 0, null, null, h.hash, sha256('x')
			from audit_head h, generate_series(1, 2) i`, // the first follows, the second doesn't
		`insert into audit_records select seq + 5, at, actor_kind, actor_id, actor_name, request_id, action, object_kind, object_id, object_name,
			account_id, before, after, prev_hash, hash from audit_records where seq = 2`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s is done", sql)
		}
	}
	if report := verified(t, db, audit.Check{}); !report.Complete() {
		t.Errorf("%+v", report)
	}
}

func TestVerifyingFindsWhatAnAdministratorDid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql string
		at  int64
	}{
		"changed a state":               {`update audit_records set after = after || '{"name": "Other"}' where seq = 3`, 3},
		"changed an actor":              {`update audit_records set actor_id = 9 where seq = 2`, 2},
		"took a record out":             {`delete from audit_records where seq = 2`, 2},
		"took the last record out":      {`delete from audit_records where seq = 4`, 4},
		"took the end off, and rewound": {`delete from audit_records where seq > 2; update audit_head set (seq, hash) = (select seq, hash from audit_records where seq = 2)`, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, conn := openBoth(t)
			for _, tier := range []string{"A", "B", "C", "D"} {
				newTier(t, db, tier)
			}
			anchor, err := db.AuditHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tamper(t, conn, c.sql)
			report := verified(t, db, audit.Check{Anchors: []audit.Anchor{anchor}})
			if report.Break == nil || report.Break.Seq != c.at {
				t.Errorf("it finds %+v; it is record %d", report.Break, c.at)
			}
		})
	}
}

// A check from an anchor on finds what was done between it and the record that it begins
// with, in whatever parts it is made.
func TestVerifyingWalksFromAnAnchorToWhereItBegins(t *testing.T) {
	t.Parallel()
	db, conn := openBoth(t)
	var anchors []audit.Anchor
	for _, tier := range []string{"A", "B", "C", "D", "E"} {
		newTier(t, db, tier)
		head, err := db.AuditHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		anchors = append(anchors, head)
	}
	tamper(t, conn, `update audit_records set actor_id = 9 where seq = 3`)
	for name, c := range map[string]struct {
		check audit.Check
		at    int64 // 0: it can't know
	}{
		"from no anchor":                {audit.Check{From: 5}, 0},
		"from an earlier one":           {audit.Check{From: 5, Anchors: anchors[:1]}, 3},
		"from the earliest":             {audit.Check{From: 5, Anchors: []audit.Anchor{anchors[3], anchors[1]}}, 3},
		"from the head of an empty log": {audit.Check{From: 5, Anchors: []audit.Anchor{{}}}, 3},
		"from a later one":              {audit.Check{From: 5, Anchors: anchors[3:]}, 0},
		"in parts":                      {audit.Check{From: 5, Anchors: anchors[:1], Most: 1}, 0},
		"in parts, going on":            {audit.Check{From: 3, Anchors: anchors[:2], Most: 1}, 3},
		"in parts, past it":             {audit.Check{From: 5, Anchors: []audit.Anchor{anchors[0], anchors[3]}, Most: 1}, 0},
	} {
		report := verified(t, db, c.check)
		if found := report.Break; (found == nil) != (c.at == 0) || found != nil && found.Seq != c.at {
			t.Errorf("%s: %+v, want %d", name, report, c.at)
		}
		if name == "in parts" && report.Last.Seq != 2 {
			t.Errorf("a part ends at %v", report.Last)
		}
	}
}

// tamper does what the triggers keep others from doing.
func tamper(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), `grant all on audit_records, audit_head to current_user; alter table audit_records disable trigger user; alter table audit_head disable trigger user; `+sql); err != nil {
		t.Fatal(err)
	}
}

func TestTheLogIsVerifiedInParts(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, tier := range []string{"A", "B", "C", "D", "E"} {
		newTier(t, db, tier)
	}
	part := verified(t, db, audit.Check{Most: 2})
	if part.Complete() || part.Break != nil || part.Checked != 2 || part.Last.Seq != 2 {
		t.Errorf("the first part: %+v", part)
	}
	rest := verified(t, db, audit.Check{From: 3, Anchors: []audit.Anchor{part.Last}})
	if !rest.Complete() || rest.Checked != 3 {
		t.Errorf("the rest: %+v", rest)
	}
	if rest := verified(t, db, audit.Check{From: 5, Anchors: []audit.Anchor{part.Last}}); !rest.Complete() || rest.Checked != 3 {
		t.Errorf("from an anchor that lies before: %+v", rest)
	}
	if end := verified(t, db, audit.Check{From: 6}); !end.Complete() || end.Checked != 0 {
		t.Errorf("after the end: %+v", end)
	}
	if _, err := db.VerifyAudit(t.Context(), audit.Check{From: 9}); controlplane.Faults(err) == nil {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestTheLogIsReadPageByPageAndNarrowed(t *testing.T) {
	t.Parallel()
	db := open(t)
	ada := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorMember, ID: 3, Name: "Ada", RequestID: "r-7"})
	tier, _, err := db.CreateTier(ada, "100%", nil)
	if err != nil {
		t.Fatal(err)
	}
	newTier(t, db, "1000")
	if _, err := db.DeleteTier(t.Context(), tier.ID, nil); err != nil {
		t.Fatal(err)
	}
	seqs := func(f audit.Filter) (all []int64) {
		t.Helper()
		for before := int64(0); ; {
			page, err := db.AuditLog(t.Context(), f, before, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				all, before = append(all, r.Seq), r.Seq
			}
			if !page.More {
				return all
			}
		}
	}
	soon := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		filter audit.Filter
		want   []int64
	}{
		"by nothing":     {audit.Filter{}, []int64{3, 2, 1}},
		"by actor":       {audit.Filter{ActorKind: controlplane.ActorMember, ActorID: 3}, []int64{1}},
		"by kind":        {audit.Filter{ActorKind: controlplane.ActorSystem}, []int64{3, 2}},
		"by action":      {audit.Filter{Actions: []audit.Action{audit.DeleteTier, audit.UpdateTier}}, []int64{3}},
		"by object":      {audit.Filter{ObjectID: controlplane.KindTier.Format(tier.ID)}, []int64{3, 1}},
		"by request":     {audit.Filter{RequestID: "r-7"}, []int64{1}},
		"by time":        {audit.Filter{From: &soon}, nil},
		"by name":        {audit.Filter{Text: "ADA"}, []int64{1}},
		"by its percent": {audit.Filter{Text: "0%"}, []int64{3, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, seqs(c.filter)); diff != "" {
				t.Error(diff)
			}
		})
	}
	var exported []int64
	var head audit.Anchor
	begin := func(at audit.Anchor) error { head = at; return nil }
	err = db.ExportAudit(t.Context(), audit.Filter{ActorKind: controlplane.ActorSystem}, audit.Part{}, begin, func(records []audit.Record) error {
		for _, r := range records {
			exported = append(exported, r.Seq)
		}
		return nil
	})
	if err != nil || head.Seq != 3 {
		t.Errorf("the export ends at %v, %v", head, err)
	}
	if diff := cmp.Diff([]int64{2, 3}, exported); diff != "" {
		t.Error(diff)
	}
}

func TestOverridesThatEndAreRecordedAsTheSystems(t *testing.T) {
	t.Parallel()
	db, conn := openBoth(t)
	tier := newTier(t, db, "Basic", perMinute(10))
	account, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: "Acme", TierID: tier.ID, TimeZone: "UTC", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	override := controlplane.Override{AccountID: account.ID, LimitID: tier.Limits[0].ID, Amount: 5, Until: &until}
	if _, _, err := db.SetOverride(t.Context(), override, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `update overrides set until = now()`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.EndOverrides(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended := recorded(t, db, audit.Filter{Actions: []audit.Action{audit.EndOverride}})
	if len(ended) != 1 || ended[0].Actor.Kind != controlplane.ActorSystem || ended[0].AccountID != account.ID || ended[0].Object.Name != "per-minute" {
		t.Errorf("it says %+v", ended)
	}
}
