package tests

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/stream/streamtest"
	"github.com/weirhq/weir/plugin/wire"
)

// awaitCount waits until a subscription says so many.
func awaitCount(t *testing.T, counts <-chan int64, want int64) {
	t.Helper()
	late, last := time.After(20*time.Second), int64(0)
	for {
		select {
		case n, open := <-counts:
			if !open || n > want {
				t.Fatalf("the subscription says %d, or ended (%v); want %d", n, !open, want)
			}
			if last = n; n == want {
				return
			}
		case <-late:
			t.Fatalf("the subscription says %d, and never %d", last, want)
		}
	}
}

// emptied returns the URL of a database without a schema.
func emptied(t *testing.T) string {
	t.Helper()
	database := databases.New(t)
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	return database
}

// signedIn returns the session of the first owner, begun at a control plane.
func signedIn(p *plane, database string) string {
	p.t.Helper()
	db, err := postgres.Open(p.t.Context(), database)
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	link, _, err := auth.New(db, auth.Config{PublicURL: p.http}, slog.New(slog.DiscardHandler)).NewLink(p.t.Context(), p.http)
	if err != nil {
		p.t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "#token=")
	status, session, err := p.send(http.MethodPost, p.http+"/auth/sign-in", []byte(`{"token":"`+token+`"}`))
	if err != nil || status != http.StatusNoContent {
		p.t.Fatalf("sign in: %d %s, %v", status, session, err)
	}
	return string(session)
}

// TestTwoControlPlanesServeOneDatabaseAndOneMayBeKilled starts both on an empty
// database at once, uses them together, and kills one in the middle of it.
func TestTwoControlPlanesServeOneDatabaseAndOneMayBeKilled(t *testing.T) {
	database, nats := emptied(t), streamtest.Start(t, streamtest.Options{}).URL()
	a, b := startPlane(t, database, nats), startPlane(t, database, nats)
	a.awaitReady()
	b.awaitReady()
	session := signedIn(a, database)

	// A session of the one is good at the other; so is what was edited there.
	var tier struct {
		CreateTier struct {
			Snapshot int64
			Tier     struct {
				ID     string
				Limits []struct{ ID string }
			}
		}
	}
	b.must(session, `mutation{createTier(input:{name:"Both",limits:[{name:"per-minute",amount:100,period:MINUTE}]}){snapshot tier{id limits{id}}}}`, &tier)
	var account struct {
		CreateAccount struct {
			Snapshot int64
			Account  struct{ ID string }
		}
	}
	a.must(session, fmt.Sprintf(`mutation{createAccount(input:{name:"Acme",tierId:%q}){snapshot account{id}}}`, tier.CreateTier.Tier.ID), &account)
	eventually(t, "the account at the other one's edge", func() bool { return b.polled(0) >= account.CreateAccount.Snapshot })

	// An edit at the one ends a filter's long poll at the other.
	id := account.CreateAccount.Account.ID
	number, err := strconv.ParseUint(strings.TrimPrefix(id, "acc_"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	polled := make(chan int64)
	have := b.polled(0)
	go func() { polled <- b.polled(have) }()
	began := time.Now()
	until := began.Add(4 * time.Second)
	var override struct{ SetOverride struct{ Snapshot int64 } }
	a.must(session, fmt.Sprintf(`mutation{setOverride(input:{accountId:%q,limitId:%q,amount:5,until:%q}){snapshot}}`,
		id, tier.CreateTier.Tier.Limits[0].ID, until.UTC().Format(time.RFC3339Nano)), &override)
	if got := <-polled; got < override.SetOverride.Snapshot {
		t.Errorf("the filter got version %d, want %d", got, override.SetOverride.Snapshot)
	}
	t.Logf("an edit at the one was at a filter of the other after %v", time.Since(began).Round(time.Millisecond))

	// A subscription at the one tells of what came in at the other.
	counts := b.subscribe(session, id)
	if _, err := a.report(1, number); err != nil {
		t.Fatal(err)
	}
	awaitCount(t, counts, 5)

	// The one dies in the middle of it. What isn't known to be committed is sent to the
	// other, as a filter does: nothing is lost, and nothing counted twice.
	const last = 60
	committed, err := a.reportAll(1, 30, number)
	if err != nil {
		t.Fatal(err)
	}
	for sequence := committed + 1; sequence < committed+wire.MaxFrozen; sequence++ {
		if _, err := a.report(sequence, number); err != nil {
			t.Fatal(err)
		}
	}
	a.kill()
	if _, err := b.reportAll(committed, last, number); err != nil {
		t.Fatal(err)
	}
	// Who was subscribed may lack what the dead one committed and didn't announce, for
	// half a minute; who comes now gets all, and then what comes in.
	counts = b.subscribe(session, "")
	awaitCount(t, counts, 5*last)
	if _, err := b.report(last+1, number); err != nil {
		t.Fatal(err)
	}
	awaitCount(t, counts, 5*(last+1))
	var read struct {
		Usage struct{ Totals struct{ Requests int64 } }
	}
	b.must(session, fmt.Sprintf(`{usage(from:%q,granularity:MINUTE){totals{requests}}}`, began.Add(-time.Hour).Format(time.RFC3339)), &read)
	if got := read.Usage.Totals.Requests; got != 5*(last+1) {
		t.Errorf("%d requests are counted, sent %d", got, 5*(last+1))
	}

	// What is due is done by who is left: the override ends.
	eventually(t, "the end of the override", func() bool {
		var log struct {
			AuditLog struct {
				Nodes []struct{ Actor struct{ Kind string } }
			}
		}
		b.must(session, `{auditLog(first:5,filter:{actions:["END_OVERRIDE"]}){nodes{actor{kind}}}}`, &log)
		return len(log.AuditLog.Nodes) == 1 && log.AuditLog.Nodes[0].Actor.Kind == "SYSTEM"
	})
	if got := b.polled(override.SetOverride.Snapshot); got <= override.SetOverride.Snapshot {
		t.Errorf("its end brings no newer policy than %d", got)
	}
}
