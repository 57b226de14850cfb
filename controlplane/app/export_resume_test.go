package app_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Whoever has the beginning of an export is sent the rest, and no other export's.
func TestAnExportGoesOnWhereItBrokeOff(t *testing.T) {
	p, _, hour := counted(t)
	p.must(`mutation{createEndpointGroup(name:"A"){snapshot}}`, nil)
	query := "?granularity=HOUR&groupBy=ACCOUNT,ENDPOINT,DECISION&from=" + hour.Format(time.RFC3339) + "&to=" + hour.Add(time.Hour).Format(time.RFC3339)
	get := func(path, have string) answer {
		return p.send("GET", p.http("/api/v1/"+path), "", "Authorization", "Bearer "+p.token, "Weir-Have", have)
	}
	have := func(part string) string { return fmt.Sprintf("%d:%x", len(part), sha256.Sum256([]byte(part))) }
	for _, path := range []string{"usage.csv" + query, "usage.ndjson" + query, "usage.parquet" + query, "audit.ndjson", "audit.csv"} {
		whole := get(path, "").Body
		for _, n := range []int{1, len(whole) / 3, len(whole) - 1, len(whole)} {
			got := get(path, have(whole[:n]))
			if got.Status != http.StatusOK || got.Body != whole[n:] || got.Header.Get("Weir-From") != strconv.Itoa(n) {
				t.Errorf("%s: after %d of %d bytes it answers %+v", path, n, len(whole), got)
			}
		}
		changed := bytes.Repeat([]byte("x"), len(whole)/2)
		for what, part := range map[string]string{"another beginning": string(changed), "more than there is": whole + "x"} {
			got := get(path, have(part))
			if got.Status != http.StatusPreconditionFailed || got.Header.Get("Weir-From") != "" || !strings.Contains(got.Body, "ask for all of it") {
				t.Errorf("%s: of %s it answers %+v", path, what, got)
			}
		}
		for _, text := range []string{"1", "0:" + strings.Repeat("0", 64), "-1:" + strings.Repeat("0", 64), "1:zz"} {
			if got := get(path, text); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, `"field":"Weir-Have"`) {
				t.Errorf("%s: of %q it answers %+v", path, text, got)
			}
		}
	}
	path := "usage.csv" + query
	part := get(path, "").Body
	part = part[:len(part)-1]
	_, err := p.DB().CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{2}, Sequence: 1, Node: "edge-1", Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: hour.Unix() / 60, Account: 1, Status: 200, Decision: wire.Allowed}, Requests: 4},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := get(path, have(part)); got.Status != http.StatusPreconditionFailed {
		t.Errorf("after more usage it answers %+v", got)
	}
}
