package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type importAnswer struct {
	Status               int
	Taken, Known, Failed int64
	Errors               []struct {
		Line           int
		Field, Message string
	}
}

// upload imports rows with the API token.
func (p *plane) upload(kind, rows string, headers ...string) (got importAnswer) {
	p.t.Helper()
	a := p.send("POST", p.http("/api/v1/usage/imports?reason="+url.QueryEscape("from the old meter")), rows,
		append([]string{"Content-Type", kind, "Authorization", "Bearer " + p.token}, headers...)...)
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		p.t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	got.Status = a.Status
	return got
}

// totals returns an account's requests, imported requests and cost of the last day.
func (p *plane) totals(account string) (requests, imported, cost int64) {
	p.t.Helper()
	var got struct {
		Explore struct {
			Totals struct{ Requests, Imported, Cost int64 }
		}
	}
	p.must(fmt.Sprintf(`{explore(input:{from:%q,filter:{accountIds:[%q]}}){totals{requests imported cost}}}`,
		time.Now().Add(-24*time.Hour).Format(time.RFC3339), account), &got)
	return got.Explore.Totals.Requests, got.Explore.Totals.Imported, got.Explore.Totals.Cost
}

func TestImportsCountOnce(t *testing.T) {
	p, account, hour := counted(t)
	at := hour.Format(time.RFC3339)
	rows := "client_id,at,account,endpoint,requests,cost\r\n" +
		fmt.Sprintf("a-1,%s,%s,end_1,7,70\r\n\"a,2\",%s,%s,,5,\r\n", at, account, at, account)
	first := p.upload("text/csv; charset=utf-8", rows)
	if first.Status != http.StatusOK || first.Taken != 2 || first.Known != 0 || first.Failed != 0 {
		t.Errorf("%+v", first)
	}
	again := p.upload("text/csv", rows+fmt.Sprintf("a-3,%s,%s,,1,1\n", at, account))
	if again.Status != http.StatusOK || again.Taken != 1 || again.Known != 2 {
		t.Errorf("%+v", again)
	}
	as := p.upload("application/x-ndjson", fmt.Sprintf(`{"client_id":"a-3","at":%q,"account":%q,"requests":1,"cost":1}`+"\n\n"+`{"client_id":"b-1","at":%q,"account":%q,"requests":"2","bytes_in":null}`, at, account, at, account))
	if as.Status != http.StatusOK || as.Taken != 1 || as.Known != 1 {
		t.Errorf("%+v", as)
	}
	if requests, imported, cost := p.totals(account); requests != 18+15 || imported != 15 || cost != 71 {
		t.Errorf("%d requests, %d imported, %d cost", requests, imported, cost)
	}
}

func TestImportsSayWhatIsWrongByLine(t *testing.T) {
	p, account, hour := counted(t)
	at := hour.Format(time.RFC3339)
	got := p.upload("text/csv", "client_id,at,account,requests\n"+
		"ok-1,"+at+","+account+",1\n"+
		"bad-1,yesterday,"+account+",1\n"+
		"bad-2,"+at+",acc_99,1\n"+
		"bad-3,"+at+","+account+",-4\n"+
		"bad-4,"+at+","+account+"\n"+
		"ok-1,"+at+","+account+",2\n"+
		",2999-01-01T00:00:00Z,key_1,x\n"+
		"ok-2,"+at+","+account+",1\n")
	var faults []string
	for _, e := range got.Errors {
		faults = append(faults, fmt.Sprintf("%d %s", e.Line, e.Field))
		if e.Message == "" || strings.Contains(e.Message, "SQLSTATE") {
			t.Errorf("message %q", e.Message)
		}
	}
	// Rows that can't be read are told of first, then those that can't be taken.
	want := []string{"3 at", "6 ", "8 account", "8 requests", "4 account", "5 requests", "7 client_id"}
	if diff := cmp.Diff(want, faults); diff != "" || got.Status != http.StatusUnprocessableEntity || got.Taken != 2 || got.Failed != 6 {
		t.Errorf("%+v (-want +got):\n%s", got, diff)
	}
	for name, tc := range map[string]struct {
		kind, rows string
		want       string
	}{
		"no header":          {"text/csv", "", "1 "},
		"an unknown column":  {"text/csv", "client_id,at,account,size\n", "1 size"},
		"a column twice":     {"text/csv", "client_id,at,account,at\n", "1 at"},
		"a column missing":   {"text/csv", "client_id,at\n", "1 account"},
		"a quote too many":   {"text/csv", "client_id,at,account\na,\"b\"c,d\n", "2 "},
		"a line too long":    {"text/csv", "client_id,at,account\n" + strings.Repeat("a", 20_000) + ",b,c\n", "2 "},
		"a field of lines":   {"text/csv", "client_id,at,account\n\"" + strings.Repeat("line\n", 20_000) + "\",b,c\n", "2 "},
		"an object too long": {"application/x-ndjson", `{"client_id":"` + strings.Repeat("a", 20_000) + `"}`, "1 "},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.upload(tc.kind, tc.rows)
			if got.Status != http.StatusBadRequest || len(got.Errors) != 1 || fmt.Sprintf("%d %s", got.Errors[0].Line, got.Errors[0].Field) != tc.want {
				t.Errorf("%+v", got)
			}
		})
	}
	if got := p.upload("application/x-ndjson", "[1]\n"+`{"client_id":"n-1","at":"`+at+`","account":"`+account+`","requests":{},"size":1}`); len(got.Errors) != 3 || got.Errors[0].Line != 1 || got.Errors[1].Field != "requests" || got.Errors[2].Field != "size" {
		t.Errorf("%+v", got)
	}
	for _, glue := range []string{"]", "}", ""} {
		row := `{"client_id":"g-1","at":"` + at + `","account":"` + account + `","requests":1}`
		if got := p.upload("application/x-ndjson", row+glue+row); got.Taken != 0 || len(got.Errors) != 1 || got.Errors[0].Line != 1 {
			t.Errorf("two rows glued by %q: %+v", glue, got)
		}
	}
}

func TestImportsAreGuarded(t *testing.T) {
	p := open(t)
	target := p.http("/api/v1/usage/imports?reason=x")
	for name, tc := range map[string]struct {
		url     string
		headers []string
		want    int
	}{
		"nobody":       {target, []string{"Content-Type", "text/csv"}, http.StatusUnauthorized},
		"another site": {target, []string{"Content-Type", "text/csv", "Authorization", "Bearer " + p.token, "Origin", "https://evil.example"}, http.StatusForbidden},
		"a form":       {target, []string{"Content-Type", "text/plain", "Authorization", "Bearer " + p.token}, http.StatusUnsupportedMediaType},
		"no reason":    {p.http("/api/v1/usage/imports"), []string{"Content-Type", "text/csv", "Authorization", "Bearer " + p.token}, http.StatusBadRequest},
	} {
		if got := p.send("POST", tc.url, "client_id,at,account\n", tc.headers...); got.Status != tc.want {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
}

// What was sent before a connection was cut is taken, and counts once when all of
// it is sent again.
func TestAnImportThatIsCutOffCanBeSentAgain(t *testing.T) {
	p, account, hour := counted(t)
	var rows strings.Builder
	const n = 2500
	for i := range n {
		fmt.Fprintf(&rows, `{"client_id":"r-%d","at":%q,"account":%q,"requests":1}`+"\n", i, hour.Format(time.RFC3339), account)
	}
	conn, err := net.Dial("tcp", p.HTTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	body := rows.String()
	half := strings.Index(body, `"r-1700"`)
	fmt.Fprintf(conn, "POST /api/v1/usage/imports?reason=from+the+old+meter HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s",
		p.HTTPAddr(), p.token, len(body), body[:half])
	// The answer comes when the half is dealt with.
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, imported, _ := p.totals(account); imported < 1000 || imported > 1700 {
		t.Errorf("%d requests were imported from half of the rows", imported)
	}
	got := p.upload("application/x-ndjson", body)
	if got.Taken+got.Known != n {
		t.Errorf("%+v", got)
	}
	if _, imported, _ := p.totals(account); imported != n {
		t.Errorf("%d requests were imported, want %d", imported, n)
	}
}

func TestUsageIsAdjustedAndVoided(t *testing.T) {
	p, account, hour := counted(t)
	adjust := fmt.Sprintf(`mutation{adjustUsage(input:{clientId:"one",accountId:%q,endpointId:"end_1",at:%q,requests:-4,cost:9,reason:"counted twice"}){known correction{id kind requests actor account{name}}}}`, account, hour.Format(time.RFC3339))
	var made struct {
		AdjustUsage struct {
			Known      bool
			Correction struct {
				ID, Kind, Actor string
				Requests        int64
				Account         struct{ Name string }
			}
		}
	}
	p.must(adjust, &made)
	if c := made.AdjustUsage.Correction; made.AdjustUsage.Known || c.Kind != "ADJUSTMENT" || c.Requests != -4 || c.Actor != "tests" || c.Account.Name != "Acme" {
		t.Errorf("%+v", made)
	}
	p.must(adjust, &made)
	if requests, _, cost := p.totals(account); !made.AdjustUsage.Known || requests != 14 || cost != 9 {
		t.Errorf("%d requests, cost %d, %+v", requests, cost, made)
	}
	void := fmt.Sprintf(`mutation{voidUsage(input:{clientId:"two",correctionId:%q,reason:"it was not"}){correction{kind requests voids}}}`, made.AdjustUsage.Correction.ID)
	p.must(void, nil)
	// What Envoys sent of one endpoint in the minute.
	p.must(fmt.Sprintf(`mutation{voidUsage(input:{clientId:"three",accountId:%q,endpointId:"end_1",at:%q,reason:"a test"}){correction{requests}}}`, account, hour.Add(7*time.Minute).Format(time.RFC3339)), nil)
	if requests, _, cost := p.totals(account); requests != 5 || cost != 0 {
		t.Errorf("%d requests, cost %d", requests, cost)
	}
	var list struct {
		Corrections struct {
			Nodes []struct {
				Kind, Reason string
				Voids        *string
			}
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
	p.must(`{corrections(first:2){nodes{kind reason voids} pageInfo{hasNextPage endCursor}}}`, &list)
	if n := list.Corrections.Nodes; len(n) != 2 || n[0].Reason != "a test" || n[1].Voids == nil || !list.Corrections.PageInfo.HasNextPage {
		t.Errorf("%+v", list)
	}
	for operation, want := range map[string]string{
		strings.Replace(adjust, "-4", "-5", 1):                                                         "CONFLICT clientId",
		strings.Replace(void, `"two"`, `"four"`, 1):                                                    "CONFLICT correctionId",
		`mutation{voidUsage(input:{clientId:"x",reason:"y"}){known}}`:                                  "VALIDATION correctionId",
		strings.Replace(strings.Replace(adjust, `"one"`, `""`, 1), "counted twice", "", 1):             "VALIDATION clientId, VALIDATION reason",
		strings.Replace(strings.Replace(adjust, `"one"`, `"five"`, 1), `"`+account+`"`, `"acc_77"`, 1): "NOT_FOUND accountId",
	} {
		var got []string
		for _, e := range p.query(operation, nil) {
			got = append(got, e.Extensions.Code+" "+e.Extensions.Field)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, want %s", operation, got, want)
		}
	}
}
