package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

func TestUsageOnTheCommandLine(t *testing.T) {
	p := open(t)
	p.must("accounts", "create", "Birch")
	p.must("accounts", "create", "Elm")
	p.now = time.Now().UTC().Truncate(24 * time.Hour)
	minute := p.now.Add(-20*time.Hour).Unix() / 60
	p.count(
		wire.Entry{EntryKey: wire.EntryKey{Minute: minute, Account: 1, Status: 200, Decision: wire.Allowed}, Requests: 1_234_567, Cost: 2_000_000, BytesOut: 9},
		wire.Entry{EntryKey: wire.EntryKey{Minute: minute + 60, Account: 1, Status: 429, Decision: wire.Throttled}, Requests: 12},
		wire.Entry{EntryKey: wire.EntryKey{Minute: minute, Account: 2, Status: 200, Decision: wire.Allowed}, Requests: 5},
	)
	day := p.now.Add(-24 * time.Hour).Format(time.DateOnly)
	golden(t, "usage.txt", strings.Join([]string{
		p.must("usage"), p.must("usage", "--group", "account,decision"), p.must("usage", "--from", day, "--by", "hour", "--account", "Birch", "--to", day+"T06:00:00Z"),
		p.must("usage", "--last", "1d", "--by", "day", "--group", "account", "--top", "1"),
	}, "\n"))

	t.Run("as JSON", func(t *testing.T) {
		type row struct {
			At                                                                     *time.Time
			Group                                                                  string
			Values                                                                 []string
			Requests, Allowed, Throttled, Refused, Errors, Cost, BytesIn, BytesOut int64
		}
		rows := decoded[[]row](t, p.must("usage", "--group", "account", "-o", "json"))
		if len(rows) != 2 || rows[0].Requests != 1_234_579 || rows[0].Values[0] != "acc_1" || rows[1].Group != "Elm" {
			t.Errorf("%+v", rows)
		}
	})
	t.Run("says what is wrong", func(t *testing.T) {
		p.refused(2, "--last: \"soon\" is no length", "usage", "--last", "soon")
		p.refused(2, "--from: \"noon\" is no time", "usage", "--from", "noon")
		p.refused(2, "--time-zone", "usage", "--time-zone", "Nowhere")
		p.refused(1, `there is no account "Oak"`, "usage", "--account", "Oak")
		p.refused(1, `there is no endpoint "GET /nothing"`, "usage", "--endpoint", "GET /nothing")
		p.refused(1, "input.from", "usage", "--from", "2020-01-01", "--by", "minute")
	})
	t.Run("is exported whole or not at all", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "usage.csv")
		got := p.weir("export", "--by", "hour", "--group", "account", "--out", file)
		text, err := os.ReadFile(file)
		if err != nil || got.Code != 0 || strings.Count(string(text), "\n") != 4 || !strings.HasPrefix(got.Err, "3 rows, ") {
			t.Errorf("%+v %v %s", got, err, text)
		}
		if got := p.must("export", "--group", "account", "--format", "ndjson", "--account", "Elm"); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"requests":5`) {
			t.Error(got)
		}
		if got := p.must("export", "--format", "parquet"); !strings.HasPrefix(got, "PAR1") {
			t.Errorf("%q", got)
		}
		bad := filepath.Join(t.TempDir(), "bad.csv")
		p.refused(1, "nothing was written", "export", "--key", "acc_7", "--out", bad)
		if _, err := os.Stat(bad); err == nil {
			t.Error("there is a file of an export that failed")
		}
	})
	t.Run("is imported once", func(t *testing.T) {
		at := p.now.Add(-time.Hour).Format(time.RFC3339)
		p.in = "client_id,at,account,requests\nr-1," + at + ",acc_2,7\nr-2," + at + ",acc_2,8\n"
		if got := p.must("import", "-", "--format", "csv", "--reason", "from the old meter"); got != "new           2\ntaken before  0\nfailed        0\n" {
			t.Error(got)
		}
		if got := p.must("import", "-", "--format", "csv", "--reason", "from the old meter"); got != "new           0\ntaken before  2\nfailed        0\n" {
			t.Error(got)
		}
		p.in += "r-3," + at + ",acc_99,1\n"
		p.refused(1, "line 4: account: ", "import", "-", "--format", "csv", "--reason", "from the old meter")
		p.refused(2, "give --format", "import", "-", "--reason", "x")
	})
}
