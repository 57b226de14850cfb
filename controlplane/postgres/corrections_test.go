package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// accountIn makes an account in a time zone.
func accountIn(t *testing.T, db *postgres.DB, zone string) controlplane.ID {
	t.Helper()
	a, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: "of " + zone, TimeZone: zone, BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func correct(t *testing.T, db *postgres.DB, wanted ...controlplane.NewCorrection) []controlplane.CorrectionResult {
	t.Helper()
	results, err := db.Correct(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(wanted) {
		t.Fatalf("%d results of %d corrections", len(results), len(wanted))
	}
	return results
}

func adjustment(account controlplane.ID, client string, at time.Time, requests int64) controlplane.NewCorrection {
	return controlplane.NewCorrection{
		Kind: controlplane.KindAdjustment, ClientID: client, AccountID: account, At: at,
		Requests: requests, Cost: 2 * requests, Reason: "a test", Actor: "tester",
	}
}

// byDecision returns the requests of a level by decision.
func byDecision(t *testing.T, conn *pgx.Conn, level string) map[int]int64 {
	t.Helper()
	rows, err := conn.Query(t.Context(), `select decision, sum(requests)::bigint from usage_`+level+` group by decision`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]int64{}
	var decision int
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&decision, &n}, func() error {
		got[decision] = n
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

var levels = []string{"minute", "hour", "day", "month", "local_day", "local_month"}

func wantByDecision(t *testing.T, conn *pgx.Conn, want map[int]int64) {
	t.Helper()
	for _, level := range levels {
		if diff := cmp.Diff(want, byDecision(t, conn, level)); diff != "" {
			t.Errorf("by the %s (-want +got):\n%s", level, diff)
		}
	}
}

func TestCorrectionsCountBesideWhatEnvoysSent(t *testing.T) {
	db, conn := openBoth(t)
	account := accountIn(t, db, "Asia/Tokyo")
	at := time.Now().Add(-time.Hour)
	b := minuteBatch(1, 1, at)
	b.Entries[0].Account, b.Entries[0].Key, b.Entries[0].Endpoint, b.Entries[0].Tier = uint64(account), 0, 0, 0
	b.Entries[0].Requests = 10
	commit(t, db, b)
	imported := adjustment(account, "i", at, 7)
	imported.Kind = controlplane.KindImport
	made := correct(t, db, adjustment(account, "a", at, -3), imported)
	if made[0].Err != nil || made[1].Err != nil || made[0].ID == 0 || made[0].Known {
		t.Fatalf("%+v", made)
	}
	wantByDecision(t, conn, map[int]int64{1: 10, 6: -3, 7: 7})

	void := controlplane.NewCorrection{Kind: controlplane.KindVoid, ClientID: "v", Voids: made[1].ID, Reason: "wrong file", Actor: "tester"}
	if got := correct(t, db, void)[0]; got.Err != nil || got.Requests != -7 || got.AccountID != account {
		t.Errorf("%+v", got)
	}
	wantByDecision(t, conn, map[int]int64{1: 10, 6: -3, 7: 0})

	ofUsage := controlplane.NewCorrection{Kind: controlplane.KindVoid, ClientID: "u", AccountID: account, At: at, Reason: "not theirs", Actor: "tester"}
	if got := correct(t, db, ofUsage)[0]; got.Err != nil || got.Requests != -10 {
		t.Errorf("%+v", got)
	}
	wantByDecision(t, conn, map[int]int64{1: 10, 6: -13, 7: 0})

	// All of it again: nothing is added, and the answers are the same.
	again := correct(t, db, void, ofUsage, imported, adjustment(account, "a", at, -3))
	for i, want := range []int64{-7, -10, 7, -3} {
		if got := again[i]; got.Err != nil || !got.Known || got.Requests != want {
			t.Errorf("again: %+v, want the first one's %d requests", got, want)
		}
	}
	wantByDecision(t, conn, map[int]int64{1: 10, 6: -13, 7: 0})
	listed, more, err := db.Corrections(t.Context(), account, 0, 50)
	if err != nil || more || len(listed) != 4 || listed[1].Voids != made[1].ID {
		t.Errorf("listed %+v, %v", listed, err)
	}
}

func TestCorrectionsOfMeters(t *testing.T) {
	db, conn := openBoth(t)
	account := accountIn(t, db, "UTC")
	meter, _, err := db.CreateMeter(t.Context(), controlplane.Meter{Name: "tokens", Unit: "tokens", Header: "x-tokens"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	b := minuteBatch(1, 1, at)
	b.Meters = []wire.MeterEntry{{MeterKey: wire.MeterKey{Minute: at.Unix() / 60, Account: uint64(account), Meter: uint64(meter.ID)}, Requests: 1, Amount: 500}}
	commit(t, db, b)
	c := adjustment(account, "m", at, 0)
	c.MeterID, c.Amount = meter.ID, -20
	void := controlplane.NewCorrection{Kind: controlplane.KindVoid, ClientID: "v", AccountID: account, At: at, MeterID: meter.ID, Reason: "wrong", Actor: "tester"}
	for _, r := range correct(t, db, c, void) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for _, level := range levels[:4] {
		var amount, corrected int64
		if err := conn.QueryRow(t.Context(), `select sum(amount)::bigint, sum(corrected)::bigint from meter_`+level).Scan(&amount, &corrected); err != nil {
			t.Fatal(err)
		}
		if amount != 500 || corrected != -520 {
			t.Errorf("by the %s: amount %d, corrected %d; want 500 and -520", level, amount, corrected)
		}
	}
}

// TestAmountsBeyondABigint has a meter of which batches as large as there can be add
// up to more than the database's largest integer.
func TestAmountsBeyondABigint(t *testing.T) {
	db, conn := openBoth(t)
	account := accountIn(t, db, "UTC")
	meter, _, err := db.CreateMeter(t.Context(), controlplane.Meter{Name: "bytes", Unit: "bytes", Header: "x-bytes"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	const batches = 130 // of 2^56 each, which is more than 2^63
	for sequence := uint64(1); sequence <= batches; {
		var round []*wire.Batch
		for ; len(round) < 65; sequence++ {
			b := minuteBatch(1, sequence, at)
			b.Meters = []wire.MeterEntry{{MeterKey: wire.MeterKey{Minute: at.Unix() / 60, Account: uint64(account), Meter: uint64(meter.ID)}, Requests: 1, Amount: wire.MaxBatchTotal}}
			round = append(round, b)
		}
		commit(t, db, round...)
	}
	sum := func(column, level string) (sum string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `select sum(`+column+`)::text from meter_`+level).Scan(&sum); err != nil {
			t.Fatal(err)
		}
		return sum
	}
	const all, rest = "9367487224930631680", "144115188075855873" // 130·2^56, and that less 2^63-1
	for _, level := range levels[:4] {
		if got := sum("amount", level); got != all {
			t.Errorf("by the %s: %s, want %s", level, got, all)
		}
	}
	q := explore.Question{From: at.Add(-time.Hour), To: at.Add(time.Hour), Zone: time.UTC, Top: 5, Meters: []controlplane.ID{meter.ID}}
	report, err := db.Explore(t.Context(), q, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Totals.Meters[0].Amount; got != math.MaxInt64 {
		t.Errorf("an answer says %d, want its bound", got)
	}
	// A void takes as much as one can, the next one the rest.
	void := controlplane.NewCorrection{Kind: controlplane.KindVoid, AccountID: account, At: at, MeterID: meter.ID, Reason: "wrong", Actor: "tester"}
	for _, want := range []string{"-9223372036854775807", "-" + rest} {
		void.ClientID = want
		got := correct(t, db, void)[0]
		if got.Err != nil || fmt.Sprint(got.Amount) != want {
			t.Errorf("took back %d, %v; want %s", got.Amount, got.Err, want)
		}
	}
	if got := sum("amount + corrected", "month"); got != "0" {
		t.Errorf("%s is left of all that was taken back", got)
	}
}

func TestCorrectionsThatCanNotBeMadeSayWhy(t *testing.T) {
	db, conn := openBoth(t)
	account := accountIn(t, db, "UTC")
	at := time.Now().Add(-time.Hour)
	first := correct(t, db, adjustment(account, "first", at, 5))[0]
	edit := func(change func(*controlplane.NewCorrection)) controlplane.NewCorrection {
		c := adjustment(account, fmt.Sprint(time.Now().UnixNano()), at, 1)
		change(&c)
		return c
	}
	type correction = controlplane.NewCorrection
	for name, tc := range map[string]struct {
		wanted correction
		field  string
		code   controlplane.Code
	}{
		"other content":           {adjustment(account, "first", at, 6), "clientId", controlplane.CodeConflict},
		"another minute":          {adjustment(account, "first", at.Add(-time.Minute), 5), "clientId", controlplane.CodeConflict},
		"no client id":            {edit(func(c *correction) { c.ClientID = "" }), "clientId", controlplane.CodeValidation},
		"no reason":               {edit(func(c *correction) { c.Reason = "" }), "reason", controlplane.CodeValidation},
		"nothing":                 {edit(func(c *correction) { c.Requests, c.Cost = 0, 0 }), "requests", controlplane.CodeValidation},
		"too much":                {edit(func(c *correction) { c.BytesOut = controlplane.MaxCorrection + 1 }), "bytesOut", controlplane.CodeValidation},
		"a negative import":       {edit(func(c *correction) { c.Kind, c.Requests = controlplane.KindImport, -1 }), "requests", controlplane.CodeValidation},
		"the future":              {edit(func(c *correction) { c.At = time.Now().Add(time.Hour) }), "at", controlplane.CodeValidation},
		"an unknown account":      {edit(func(c *correction) { c.AccountID = 999 }), "accountId", controlplane.CodeNotFound},
		"an unknown key":          {edit(func(c *correction) { c.KeyID = 999 }), "keyId", controlplane.CodeNotFound},
		"an unknown meter":        {edit(func(c *correction) { c.MeterID = 999 }), "meterId", controlplane.CodeNotFound},
		"an amount of nothing":    {edit(func(c *correction) { c.Amount = 9 }), "meterId", controlplane.CodeValidation},
		"a void with amounts":     {edit(func(c *correction) { c.Kind = controlplane.KindVoid; c.Cost = 0 }), "requests", controlplane.CodeValidation},
		"a void of nothing":       {correction{Kind: controlplane.KindVoid, ClientID: "v1", AccountID: account, At: at, Reason: "r", Actor: "a"}, "at", controlplane.CodeConflict},
		"a void of no correction": {correction{Kind: controlplane.KindVoid, ClientID: "v2", Voids: 999, Reason: "r", Actor: "a"}, "voids", controlplane.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			before := byDecision(t, conn, "month")
			good := adjustment(account, "beside "+name, at, 1)
			results := correct(t, db, good, tc.wanted)
			faults := controlplane.Faults(results[1].Err)
			if len(faults) != 1 || faults[0].Field != tc.field || faults[0].Code != tc.code {
				t.Errorf("got %v, want %s of %s", results[1].Err, tc.code, tc.field)
			}
			before[6]++
			if diff := cmp.Diff(before, byDecision(t, conn, "month")); diff != "" || results[0].Err != nil {
				t.Errorf("the good one beside it: %v (-want +got):\n%s", results[0].Err, diff)
			}
		})
	}
	void := correction{Kind: controlplane.KindVoid, ClientID: "once", Voids: first.ID, Reason: "r", Actor: "a"}
	made := correct(t, db, void)[0]
	void.ClientID = "twice"
	var fault *controlplane.Error
	if err := correct(t, db, void)[0].Err; !errors.As(err, &fault) || fault.Code != controlplane.CodeConflict {
		t.Errorf("a second void: %v", err)
	}
	void.Voids = made.ID
	if err := correct(t, db, void)[0].Err; !errors.As(err, &fault) || fault.Code != controlplane.CodeConflict {
		t.Errorf("a void of a void: %v", err)
	}
}

func TestTheSameImportByManyCountsOnce(t *testing.T) {
	db, conn := openBoth(t)
	account := accountIn(t, db, "America/New_York")
	at := time.Now().AddDate(0, -2, 0)
	var rows []controlplane.NewCorrection
	for i := range 200 {
		c := adjustment(account, fmt.Sprint(i), at.Add(time.Duration(i)*time.Hour), 1)
		c.Kind = controlplane.KindImport
		rows = append(rows, c)
	}
	var wg sync.WaitGroup
	fresh := make([]int, 4)
	for i := range fresh {
		wg.Go(func() {
			for start := range 4 {
				chunk := rows[(start+i)%4*50 : (start+i)%4*50+50]
				results, err := db.Correct(context.Background(), chunk)
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range results {
					if r.Err != nil {
						t.Error(r.Err)
					}
					if !r.Known {
						fresh[i]++
					}
				}
			}
		})
	}
	wg.Wait()
	if sum := fresh[0] + fresh[1] + fresh[2] + fresh[3]; sum != 200 {
		t.Errorf("%d rows were new, want 200", sum)
	}
	wantByDecision(t, conn, map[int]int64{7: 200})
}
