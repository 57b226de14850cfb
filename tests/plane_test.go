package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/process"
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
