package app_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/parquet-go/parquet-go"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// download asks for an export with the API token.
func (p *plane) download(ending string, params ...string) answer {
	p.t.Helper()
	query := url.Values{}
	for i := 0; i < len(params); i += 2 {
		query.Add(params[i], params[i+1])
	}
	return p.send("GET", p.http("/api/v1/usage."+ending+"?"+query.Encode()), "", "Authorization", "Bearer "+p.token)
}

func TestExportsHaveWhatQueriesHave(t *testing.T) {
	p, _, hour := counted(t)
	p.must(`mutation{createAccount(input:{name:"Quotes \", and commas"}){account{id}}}`, nil)
	_, err := p.DB().CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{2}, Sequence: 1, Node: "edge-1", Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: hour.Unix() / 60, Account: 2, Status: 200, Decision: wire.Allowed}, Requests: 4},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ask := []string{"from", hour.Format(time.RFC3339), "granularity", "HOUR", "timeZone", "Europe/Berlin", "groupBy", "ACCOUNT,ENDPOINT,DECISION"}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"||||UNAUTHENTICATED|2|0",
		"acc_1|Acme|end_1|GET /v1/users|ALLOWED|10|0", "acc_1|Acme|end_1|GET /v1/users|THROTTLED|3|0", "acc_1|Acme|end_2||ALLOWED|5|5",
		"acc_2|Quotes \", and commas|||ALLOWED|4|0",
	}
	names := []string{"account_id", "account", "endpoint_id", "endpoint", "decision", "requests", "errors"}

	t.Run("CSV", func(t *testing.T) {
		got := p.download("csv", ask...)
		records, err := csv.NewReader(strings.NewReader(got.Body)).ReadAll()
		if err != nil || got.Status != http.StatusOK || !strings.Contains(got.Body, "\r\n") {
			t.Fatalf("%d %v %s", got.Status, err, got.Body)
		}
		var rows []string
		for _, record := range records[1:] {
			if at := record[0]; at != hour.In(berlin).Format(time.RFC3339) {
				t.Errorf("at %s", at)
			}
			var cells []string
			for _, name := range names {
				cells = append(cells, record[indexOf(records[0], name)])
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		if diff := gocmp.Diff(want, rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("NDJSON", func(t *testing.T) {
		got := p.download("ndjson", ask...)
		var rows []string
		for line := range strings.Lines(got.Body) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			var cells []string
			for _, name := range names {
				cells = append(cells, strings.TrimPrefix(fmt.Sprint(row[name]), "<nil>"))
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		if diff := gocmp.Diff(want, rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("Parquet", func(t *testing.T) {
		type record struct {
			At         time.Time `parquet:"at,timestamp(millisecond)"`
			AccountID  *string   `parquet:"account_id,optional"`
			Account    *string   `parquet:"account,optional"`
			EndpointID *string   `parquet:"endpoint_id,optional"`
			Endpoint   *string   `parquet:"endpoint,optional"`
			Decision   string    `parquet:"decision,optional"`
			Requests   int64     `parquet:"requests"`
			Errors     int64     `parquet:"errors"`
			P95        *float64  `parquet:"latency_p95_ms,optional"`
		}
		got := p.download("parquet", ask...)
		records, err := parquet.Read[record](strings.NewReader(got.Body), int64(len(got.Body)))
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		text := func(s *string) string {
			if s == nil {
				return ""
			}
			return *s
		}
		for _, r := range records {
			if !r.At.Equal(hour) || (r.P95 != nil) != (r.Decision == "ALLOWED" && text(r.AccountID) == "acc_1") {
				t.Errorf("%+v", r)
			}
			rows = append(rows, strings.Join([]string{text(r.AccountID), text(r.Account), text(r.EndpointID), text(r.Endpoint), r.Decision,
				strconv.FormatInt(r.Requests, 10), strconv.FormatInt(r.Errors, 10)}, "|"))
		}
		if diff := gocmp.Diff(want, rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("totals only", func(t *testing.T) {
		got := p.download("csv", "from", hour.Format(time.RFC3339), "account", "NONE")
		lines := strings.Split(strings.TrimSpace(got.Body), "\r\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[1], hour.Format(time.RFC3339)+",2,0,0,2,") {
			t.Errorf("%q", lines)
		}
	})
}

// Exports have in columns what queries have of custom meters by group.
func TestExportsHaveCustomMetersAsQueriesHave(t *testing.T) {
	p, account, hour := counted(t)
	var made struct {
		A, B, C struct{ Meter struct{ ID string } }
	}
	p.must(`mutation{a:createMeter(input:{name:"Tokens \", in",unit:"tokens",header:"x-tokens"}){meter{id}}
		b:createMeter(input:{name:"Rows.read",unit:"rows",header:"x-rows"}){meter{id}}
		c:createMeter(input:{name:"Old",unit:"old",header:"x-old"}){meter{id}}}`, &made)
	entry := func(account, endpoint, meter, requests, amount uint64) wire.MeterEntry {
		return wire.MeterEntry{MeterKey: wire.MeterKey{Minute: hour.Unix()/60 + 7, Account: account, Endpoint: endpoint, Meter: meter}, Requests: requests, Amount: amount}
	}
	_, err := p.DB().CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{2}, Sequence: 1, Node: "edge-1", Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: hour.Unix() / 60, Account: 1, Endpoint: 1, Status: 200, Decision: wire.Allowed}, Requests: 5},
	}, Meters: []wire.MeterEntry{entry(1, 1, 1, 4, 70), entry(1, 1, 2, 5, 9), entry(1, 2, 1, 1, 1<<40), entry(1, 2, 3, 1, 11)}}})
	if err != nil {
		t.Fatal(err)
	}
	p.must(fmt.Sprintf(`mutation{adjustUsage(input:{clientId:"1",accountId:%q,at:%q,meterId:%q,amount:-20,reason:"counted twice"}){known} deleteMeter(id:%[4]q){id}}`,
		account, hour.Add(time.Minute).Format(time.RFC3339), made.A.Meter.ID, made.C.Meter.ID), nil)
	meters := []string{made.B.Meter.ID, made.A.Meter.ID, made.C.Meter.ID}
	columns := []string{"meter_amount_Rows.read", "meter_requests_Rows.read", `meter_amount_Tokens ", in`, `meter_requests_Tokens ", in`,
		"meter_amount_" + made.C.Meter.ID, "meter_requests_" + made.C.Meter.ID}
	ask := []string{"from", hour.Format(time.RFC3339), "to", hour.Add(time.Hour).Format(time.RFC3339), "granularity", "HOUR", "groupBy", "ENDPOINT", "meters", strings.Join(meters, ",")}

	var queried struct {
		Explore struct {
			Groups []struct {
				Values []string
				Totals struct {
					Requests int64
					Meters   []struct{ Requests, Amount int64 }
				}
			}
		}
	}
	p.must(fmt.Sprintf(`{explore(input:{from:%q,to:%q,groupBy:[ENDPOINT],meterIds:["%s"]}){groups{values totals{requests meters{requests amount}}}}}`,
		ask[1], ask[3], strings.Join(meters, `","`)), &queried)
	want := map[string]string{}
	for _, g := range queried.Explore.Groups {
		row := strconv.FormatInt(g.Totals.Requests, 10)
		for _, m := range g.Totals.Meters {
			row += fmt.Sprintf(" %d %d", m.Amount, m.Requests)
		}
		want[g.Values[0]] = row
	}
	if diff := gocmp.Diff(map[string]string{"end_1": "18 9 5 70 4 0 0", "end_2": "5 0 0 1099511627776 1 11 1", "NONE": "2 0 0 -20 0 0 0"}, want); diff != "" {
		t.Fatalf("queried (-want +got):\n%s", diff)
	}

	t.Run("CSV", func(t *testing.T) {
		body := p.download("csv", ask...).Body
		records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(records) == 0 {
			t.Fatal(err, body)
		}
		got := map[string]string{}
		for _, record := range records[1:] {
			row := record[indexOf(records[0], "requests")]
			for _, name := range columns {
				row += " " + record[indexOf(records[0], name)]
			}
			got[cmp.Or(record[indexOf(records[0], "endpoint_id")], "NONE")] = row
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("NDJSON", func(t *testing.T) {
		got := map[string]string{}
		for line := range strings.Lines(p.download("ndjson", ask...).Body) {
			var row map[string]any
			decoder := json.NewDecoder(strings.NewReader(line))
			decoder.UseNumber()
			if err := decoder.Decode(&row); err != nil {
				t.Fatal(err, line)
			}
			text := fmt.Sprint(row["requests"])
			for _, name := range columns {
				text += fmt.Sprint(" ", row[name])
			}
			endpoint, _ := row["endpoint_id"].(string)
			got[cmp.Or(endpoint, "NONE")] = text
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("Parquet", func(t *testing.T) {
		body := p.download("parquet", ask...).Body
		file, err := parquet.OpenFile(strings.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err, body)
		}
		place := func(name string) int {
			leaf, ok := file.Schema().Lookup(name)
			if !ok {
				t.Fatalf("no column %s in %v", name, file.Schema())
			}
			return leaf.ColumnIndex
		}
		reader := parquet.NewReader(file)
		defer reader.Close()
		rows := make([]parquet.Row, 10)
		n, err := reader.ReadRows(rows)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, r := range rows[:n] {
			text := r[place("requests")].String()
			for _, name := range columns {
				text += " " + r[place(name)].String()
			}
			endpoint := "NONE"
			if v := r[place("endpoint_id")]; !v.IsNull() {
				endpoint = v.String()
			}
			got[endpoint] = text
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("in one row, of one account", func(t *testing.T) {
		got := p.download("ndjson", "from", ask[1], "account", account, "meters", made.A.Meter.ID)
		if !strings.Contains(got.Body, `"meter_amount_Tokens \", in":1099511627826,"meter_requests_Tokens \", in":5}`) {
			t.Error(got.Body)
		}
	})
}

// An account whose time zone was changed keeps its days, in exports as in questions.
func TestExportsHaveTheDaysOfAnAccountsOwnZone(t *testing.T) {
	p, account, _ := counted(t)
	sent := time.Date(2026, 6, 9, 23, 30, 0, 0, time.UTC) // on the 10th in Berlin
	_, err := p.DB().CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{2}, Sequence: 1, Node: "edge-1", Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: sent.Unix() / 60, Account: 1, Status: 200, Decision: wire.Allowed}, Requests: 4},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,timeZone:"America/New_York"}){account{id}}}`, account), nil)
	ask := []string{"from", "2026-06-09T00:00:00-04:00", "to", "2026-06-12T00:00:00-04:00", "timeZone", "America/New_York", "account", account, "granularity"}
	for granularity, want := range map[string]string{"DAY": "2026-06-10T00:00:00-04:00,4,", "HOUR": "2026-06-09T19:00:00-04:00,4,"} {
		lines := strings.Split(strings.TrimSpace(p.download("csv", append(ask, granularity)...).Body), "\r\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[1], want) {
			t.Errorf("by the %s: %q, want %s", granularity, lines, want)
		}
	}
	got := p.download("csv", "from", "2026-06-10T00:00:00-04:00", "to", "2026-06-11T00:00:00-04:00", "timeZone", "America/New_York", "account", account)
	if !strings.Contains(got.Body, "\r\n2026-06-10T00:00:00-04:00,4,") {
		t.Errorf("in all: %s", got.Body)
	}
}

func indexOf(list []string, name string) int {
	for i, have := range list {
		if have == name {
			return i
		}
	}
	return 0
}

// Of an account's own time zone there are days and months for ever.
func TestExportsHaveTheAccountsOwnMonths(t *testing.T) {
	p := open(t)
	var made struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	p.must(`mutation{createAccount(input:{name:"Far",timeZone:"Asia/Kathmandu"}){account{id}}}`, &made)
	id := made.CreateAccount.Account.ID
	number, err := controlplane.KindAccount.Parse("id", id)
	if err != nil {
		t.Fatal(err)
	}
	// Before and after midnight there, in one day of UTC.
	midnight := time.Date(2024, 3, 31, 18, 15, 0, 0, time.UTC)
	entry := func(at time.Time, n uint64) wire.Entry {
		return wire.Entry{EntryKey: wire.EntryKey{Minute: at.Unix() / 60, Account: uint64(number), Status: 200, Decision: wire.Allowed}, Requests: n}
	}
	_, err = p.DB().CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{2}, Sequence: 1, Node: "edge-1",
		Entries: []wire.Entry{entry(midnight.Add(-time.Minute), 3), entry(midnight, 4)}}})
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "2024-02-29T18:15:00Z", "2024-04-30T18:15:00Z"
	var asked struct {
		Explore struct{ Series struct{ Requests []int64 } }
	}
	p.must(fmt.Sprintf(`{explore(input:{from:%q,to:%q,granularity:MONTH,timeZone:"Asia/Kathmandu",filter:{accountIds:[%q]}}){series{requests}}}`, from, to, id), &asked)
	got := p.download("ndjson", "from", from, "to", to, "granularity", "MONTH", "timeZone", "Asia/Kathmandu", "account", id)
	var counts []int64
	for line := range strings.Lines(got.Body) {
		var row struct{ Requests int64 }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%d %s: %v", got.Status, got.Body, err)
		}
		counts = append(counts, row.Requests)
	}
	want := asked.Explore.Series.Requests
	if diff := gocmp.Diff(want, counts); diff != "" || !slices.Equal(counts, []int64{3, 4}) {
		t.Errorf("the export has %v, the query %v", counts, want)
	}
}

func TestExportsSayWhatIsWrong(t *testing.T) {
	p := open(t)
	for query, want := range map[string]string{
		"":                              "from",
		"from=2026-01-01T00:00:00Z&x=1": "x",
		"from=2026-01-01T00:00:00Z&granularity=WEEK":                         "granularity",
		"from=2026-01-01T00:00:00Z&groupBy=ACCOUNT,SIZE":                     "groupBy",
		"from=2026-01-01T00:00:00Z&groupBy=KEY,KEY":                          "groupBy",
		"from=2026-01-01T00:00:00Z&account=acc_1,key_2":                      "account.1",
		"from=2026-01-01T00:00:00Z&meters=acc_1":                             "meters.0",
		"from=2026-01-01T00:00:00Z&meters=mtr_1,mtr_1":                       "meters",
		"from=2026-01-01T00:00:00Z&meters=mtr_1&groupBy=STATUS":              "meters",
		"from=2026-01-01T00:00:00Z&meters=mtr_1&decision=ALLOWED":            "meters",
		"from=2026-01-01T00:00:00Z&status=ok":                                "status",
		"from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z":                  "to",
		"from=2026-01-01T00:00:00Z&timeZone=Local":                           "timeZone",
		"from=2000-01-01T00:00:00Z&granularity=HOUR&timeZone=Asia%2FKolkata": "from",
	} {
		got := p.send("GET", p.http("/api/v1/usage.csv?"+query), "", "Authorization", "Bearer "+p.token)
		var body struct {
			Errors []struct{ Field, Message string }
		}
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil || got.Status != http.StatusBadRequest || len(body.Errors) != 1 || body.Errors[0].Field != want {
			t.Errorf("%s: %d %s", query, got.Status, got.Body)
		}
	}
	for _, path := range []string{
		"/api/v1/usage.csv?from=2026-01-01T00:00:00Z&account=acc_1%zz", "/api/v1/usage.csv?from=2026-01-01T00:00:00Z&account=acc_1;x=1",
		"/api/v1/audit.csv?action=CREATE_KEY;", "/graphql?query={viewer{__typename}}&variables={};",
	} {
		got := p.send("GET", p.http(path), "", "Authorization", "Bearer "+p.token, "Accept", "application/json")
		if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "percent-encode") {
			t.Errorf("%s: %d %s; a part of it that can't be read is no part to leave out", path, got.Status, got.Body)
		}
	}
	if got := p.send("GET", p.http("/api/v1/usage.csv"), ""); got.Status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.Status)
	}
	if got := p.send("GET", p.http("/api/v1/usage.xlsx"), "", "Authorization", "Bearer "+p.token); got.Status != http.StatusNotFound {
		t.Errorf("an unknown format: %d", got.Status)
	}
}

// A reader can tell an export that was cut off from a whole one.
func TestAnExportThatIsCutOffShowsIt(t *testing.T) {
	database := databases.New(t)
	p := openOn(t, database)
	minute := time.Now().Unix()/60 - 90
	const keys, minutes = 3000, 20
	for m := range int64(minutes) {
		b := &wire.Batch{Source: wire.SourceID{1}, Sequence: uint64(m + 1), Node: "edge-1"}
		for key := range uint64(keys) {
			b.Entries = append(b.Entries, wire.Entry{EntryKey: wire.EntryKey{Minute: minute + m, Account: 1, Key: key + 1, Status: 200, Decision: wire.Allowed}, Requests: 1, Latency: wire.Histogram{{Index: 9, Count: 1}}})
		}
		if _, err := p.DB().CommitBatches(t.Context(), []*wire.Batch{b}); err != nil {
			t.Fatal(err)
		}
	}
	begin := func() *http.Response {
		from := time.Unix(minute*60, 0).UTC().Format(time.RFC3339)
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.http("/api/v1/usage.ndjson?granularity=MINUTE&groupBy=KEY,ENDPOINT,TIER,STATUS,DECISION,ACCOUNT&from="+from), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+p.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		return resp
	}
	whole := begin()
	defer whole.Body.Close()
	body, err := io.ReadAll(whole.Body)
	if lines := bytes.Count(body, []byte("\n")); err != nil || lines != keys*minutes || whole.Trailer.Get("Weir-Rows") != strconv.Itoa(lines) {
		t.Fatalf("%d lines, %v, trailer %v", lines, err, whole.Trailer)
	}

	cut := begin()
	defer cut.Body.Close()
	first := bufio.NewReader(cut.Body)
	if _, err := first.ReadBytes('\n'); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), databases.AsApp(t, database))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	var ended int
	for err == nil && ended == 0 { // between two fetches it is at neither
		err = admin.QueryRow(t.Context(), `
			select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and query like 'fetch%') t`).Scan(&ended)
	}
	if err != nil || ended != 1 {
		t.Fatalf("ended %d exports, %v", ended, err)
	}
	if _, err := io.Copy(io.Discard, first); !errors.Is(err, io.ErrUnexpectedEOF) || cut.Trailer.Get("Weir-Rows") != "" {
		t.Errorf("got %v and trailer %v", err, cut.Trailer)
	}
}
