package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/process"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
	"github.com/weirhq/weir/tests/internal/stack"
)

// plane is a control plane in a process of its own.
type plane struct {
	t          *testing.T
	process    *process.Process
	http, edge string // base URLs
	log        string
}

// startPlane starts one, and doesn't wait for it.
func startPlane(t *testing.T, database, nats string) *plane {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for range 2 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(top.Command(), "serve")
	cmd.Stderr = log
	cmd.Env = []string{
		"DATABASE_URL=" + database, "NATS_URL=" + nats, "WEIR_NODE_TOKEN=" + stack.NodeToken,
		"WEIR_HTTP_ADDR=" + addrs[0], "WEIR_EDGE_ADDR=" + addrs[1],
	}
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatalf("%v; run make build", err)
	}
	p := &plane{t, child, "http://" + addrs[0], "http://" + addrs[1], log.Name()}
	t.Cleanup(func() {
		_ = syscall.Kill(child.PID(), syscall.SIGKILL) // it may be gone already
		<-child.Done()
		if text, err := os.ReadFile(p.log); err == nil && t.Failed() {
			t.Logf("…%s", text[max(0, len(text)-3000):])
		}
	})
	return p
}

// eventually waits until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for tick := time.NewTicker(10 * time.Millisecond); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func (p *plane) awaitReady() {
	p.t.Helper()
	eventually(p.t, "a control plane that is ready", func() bool {
		select {
		case <-p.process.Done():
			p.t.Fatalf("weir serve ended: %s", p.process.Ending())
		default:
		}
		status, _, err := p.send(http.MethodGet, p.http+"/readyz", nil)
		return err == nil && status == http.StatusOK
	})
}

func (p *plane) kill() {
	p.t.Helper()
	if err := syscall.Kill(p.process.PID(), syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	<-p.process.Done()
}

// send sends a request with headers, in pairs.
func (p *plane) send(method, url string, body []byte, headers ...string) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if cookie := resp.Header.Get("Set-Cookie"); cookie != "" {
		answer, _, _ := strings.Cut(cookie, ";")
		return resp.StatusCode, []byte(answer), nil
	}
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// must runs an operation in a session, and reads its answer into data.
func (p *plane) must(session, operation string, data any) {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		p.t.Fatal(err)
	}
	_, answer, err := p.send(http.MethodPost, p.http+"/graphql", body, "Content-Type", "application/json", "Cookie", session)
	if err != nil {
		p.t.Fatal(err)
	}
	reply := struct {
		Data   any
		Errors []struct{ Message string }
	}{Data: data}
	if err := json.Unmarshal(answer, &reply); err != nil || reply.Errors != nil {
		p.t.Fatalf("%s: %s, %v", operation, answer, err)
	}
}

// report hands five requests of an account to the edge as a filter does, or for 0 a
// sign of life, and returns the receipt.
func (p *plane) report(sequence, account uint64) (wire.Receipt, error) {
	b := &wire.Batch{Source: wire.SourceID{4, 2}, Sequence: sequence, Node: "gateway-1", SentMS: time.Now().UnixMilli()}
	if sequence > 0 {
		b.Entries = []wire.Entry{{
			EntryKey: wire.EntryKey{Minute: time.Now().Unix() / 60, Account: account, Status: 200, Decision: wire.Allowed}, Requests: 5, Cost: 5,
		}}
	}
	body, err := wire.EncodeBatch(nil, b)
	if err != nil {
		return wire.Receipt{}, err
	}
	status, answer, err := p.send(http.MethodPost, p.edge+"/edge/v1/usage", body, "Authorization", "Bearer "+stack.NodeToken)
	if err != nil {
		return wire.Receipt{}, err
	}
	if status != http.StatusOK {
		return wire.Receipt{}, fmt.Errorf("the edge answers %d %s", status, answer)
	}
	return wire.DecodeReceipt(answer)
}

// reportAll reports batches up to the last, each not before the edge says that the ones
// before are committed that a filter would wait for, until all are. It returns through
// which they are.
func (p *plane) reportAll(committed, last, account uint64) (uint64, error) {
	for committed < last {
		for sequence := committed + 1; sequence <= min(last, committed+wire.MaxFrozen); sequence++ {
			if _, err := p.report(sequence, account); err != nil {
				return committed, err
			}
		}
		receipt, err := p.report(0, account)
		if err != nil {
			return committed, err
		}
		committed = max(committed, receipt.Committed)
	}
	return committed, nil
}

// polled returns the version that a long poll of a filter brings that has one.
func (p *plane) polled(have int64) int64 {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, fmt.Sprint(p.edge, "/edge/v1/snapshot?have=", have), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stack.NodeToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	version, err := strconv.ParseInt(resp.Header.Get("Weir-Snapshot"), 10, 64)
	if err != nil {
		p.t.Errorf("a poll is answered with %d, %v", resp.StatusCode, err)
	}
	return version
}

// subscribe tells of an account's requests of today, or of all for none, as they are
// counted.
func (p *plane) subscribe(session, account string) <-chan int64 {
	p.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(p.t.Context(), "ws"+strings.TrimPrefix(p.http, "http")+"/graphql", http.Header{"Cookie": {session}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	variables := "{}"
	if account != "" {
		variables = fmt.Sprintf(`{"a":%q}`, account)
	}
	for _, message := range []string{
		`{"type":"connection_init"}`,
		fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"subscription($a:ID){usage(accountId:$a){totals{requests}}}","variables":%s}}`, variables),
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			p.t.Fatal(err)
		}
	}
	counts := make(chan int64, 1000)
	go func() {
		defer close(counts)
		for {
			var m struct {
				Type    string
				Payload struct {
					Data struct {
						Usage struct{ Totals struct{ Requests int64 } }
					}
				}
			}
			if err := conn.ReadJSON(&m); err != nil {
				return
			}
			if m.Type == "next" {
				counts <- m.Payload.Data.Usage.Totals.Requests
			}
		}
	}()
	return counts
}

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

func outsideNATS(t *testing.T) string {
	t.Helper()
	nats, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 8 << 20, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go nats.Start()
	t.Cleanup(func() {
		nats.Shutdown()
		nats.WaitForShutdown()
	})
	if !nats.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS was not ready in time")
	}
	return nats.ClientURL()
}

// TestTwoControlPlanesServeOneDatabaseAndOneMayBeKilled starts both on an empty
// database at once, uses them together, and kills one in the middle of it.
func TestTwoControlPlanesServeOneDatabaseAndOneMayBeKilled(t *testing.T) {
	database, nats := emptied(t), outsideNATS(t)
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
