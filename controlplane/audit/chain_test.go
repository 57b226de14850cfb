package audit_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// records are a chain of n, in which an account's billing day moves on.
func records(t interface {
	Helper()
	Fatal(args ...any)
}, n int) []audit.Record {
	t.Helper()
	var head audit.Anchor
	all := make([]audit.Record, n)
	account := controlplane.Account{ID: 7, Status: controlplane.AccountActive, Name: "Älg & <Söhne>\u2028", TierID: 2, TimeZone: "UTC"}
	by := controlplane.Actor{Kind: controlplane.ActorMember, ID: 3, Name: "Ada", RequestID: "r-1"}
	for i := range all {
		before := account
		account.BillingDay = i + 1
		r, err := audit.Append(head, noon.Add(time.Duration(i)*time.Second), by, audit.Changed(audit.UpdateAccount, audit.OfAccount(before), audit.OfAccount(account)))
		if err != nil {
			t.Fatal(err)
		}
		all[i], head = r, r.Place()
	}
	return all
}

// check adds records to a chain that begins at the beginning.
func check(all []audit.Record, head audit.Anchor, anchors ...audit.Anchor) error {
	chain, err := audit.NewChain(audit.Anchor{}, anchors...)
	for i := range all {
		if err == nil {
			err = chain.Add(&all[i])
		}
	}
	if err == nil {
		err = chain.End(head)
	}
	return err
}

func TestAChainShowsWhatWasDoneToIt(t *testing.T) {
	whole := records(t, 5)
	head, anchor := whole[4].Place(), whole[4].Place()
	rehashed := func(r audit.Record) audit.Record {
		r.Hash, _ = r.Sum()
		return r
	}
	for name, c := range map[string]struct {
		do   func([]audit.Record) []audit.Record
		head audit.Anchor
		at   int64 // 0: whole
	}{
		"nothing":                       {func(r []audit.Record) []audit.Record { return r }, head, 0},
		"another state":                 {func(r []audit.Record) []audit.Record { r[2].After = json.RawMessage(`{}`); return r }, head, 3},
		"another actor":                 {func(r []audit.Record) []audit.Record { r[0].Actor.Name = "Eve"; return r }, head, 1},
		"another request":               {func(r []audit.Record) []audit.Record { r[0].Actor.RequestID = ""; return r }, head, 1},
		"another time":                  {func(r []audit.Record) []audit.Record { r[1].At = r[1].At.Add(time.Microsecond); return r }, head, 2},
		"another account":               {func(r []audit.Record) []audit.Record { r[1].AccountID = 8; return r }, head, 2},
		"another state, hashed anew":    {func(r []audit.Record) []audit.Record { r[2].After = nil; r[2] = rehashed(r[2]); return r }, head, 4},
		"one taken out":                 {func(r []audit.Record) []audit.Record { return append(r[:1], r[2:]...) }, head, 2},
		"two changed over":              {func(r []audit.Record) []audit.Record { r[1], r[2] = r[2], r[1]; return r }, head, 2},
		"one twice":                     {func(r []audit.Record) []audit.Record { return append(r, r[4]) }, head, 5},
		"the last one cut off":          {func(r []audit.Record) []audit.Record { return r[:4] }, head, 5},
		"cut off with the head":         {func(r []audit.Record) []audit.Record { return r[:4] }, whole[3].Place(), 5},
		"another end, hashed with head": {func(r []audit.Record) []audit.Record { r[4].Action = "X"; r[4] = rehashed(r[4]); return r }, audit.Anchor{}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			changed := c.do(records(t, 5))
			if c.head == (audit.Anchor{}) {
				c.head = changed[len(changed)-1].Place()
			}
			err := check(changed, c.head, anchor)
			var broken *audit.BreakError
			switch {
			case c.at == 0 && err != nil:
				t.Error(err)
			case c.at != 0 && (!errors.As(err, &broken) || broken.Seq != c.at):
				t.Errorf("it says %v; it is record %d", err, c.at)
			}
		})
	}
}

func TestAnyChangeOfAnyRecordBreaksAChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := records(t, rapid.IntRange(1, 6).Draw(t, "records"))
		head := all[len(all)-1].Place()
		r := &all[rapid.IntRange(0, len(all)-1).Draw(t, "changed")]
		fields := []*string{&r.Actor.Name, (*string)(&r.Actor.Kind), (*string)(&r.Action), (*string)(&r.Object.Kind), &r.Object.ID, &r.Object.Name}
		field := rapid.SampledFrom(fields).Draw(t, "field")
		*field += rapid.StringN(1, 5, 9).Filter(func(s string) bool { return !strings.Contains(s, "\ufffd") }).Draw(t, "more")
		if check(all, head) == nil {
			t.Fatal("it is whole")
		}
	})
}

func TestAChainMayBeCheckedInParts(t *testing.T) {
	all := records(t, 6)
	chain, err := audit.NewChain(all[2].Place(), all[2].Place(), all[4].Place())
	if err != nil {
		t.Fatal(err)
	}
	for i := range all[3:] {
		if err := chain.Add(&all[3+i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := chain.End(all[5].Place()); err != nil || chain.Checked() != 3 {
		t.Errorf("%d records, %v", chain.Checked(), err)
	}
	if _, err := audit.NewChain(all[2].Place(), audit.Anchor{Seq: 3}); err == nil {
		t.Error("a part may begin at another record than its anchor names")
	}
	if _, err := audit.NewChain(all[2].Place(), all[1].Place()); err == nil {
		t.Error("a part leaves out an anchor that lies before it")
	}
	changed := all[1]
	changed.Action = "X"
	for name, err := range map[string]error{
		"another hash": audit.Anchor{Seq: 2}.Check(&all[1]), "none": all[1].Place().Check(nil), "another content": all[1].Place().Check(&changed),
	} {
		var broken *audit.BreakError
		if !errors.As(err, &broken) || broken.Seq != 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := all[1].Place().Check(&all[1]); err != nil {
		t.Error(err)
	}
}

func TestARecordIsWrittenInCanonicalForm(t *testing.T) {
	r := records(t, 1)[0]
	line, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	const state = `"closedAt":null,"id":"acc_7","labels":{},"name":"Älg & <Söhne>` + "\u2028" + `","onDefaultTier":false,"resets":0,"revision":0,"status":"ACTIVE","tierId":"tier_2","timeZone":"UTC","trial":null}`
	want := `{"accountId":"acc_7","action":"UPDATE_ACCOUNT","actor":{"id":"mem_3","kind":"MEMBER","name":"Ada"},` +
		`"after":{"billingDay":1,` + state + `,"at":"2026-03-01T12:00:00.123456Z","before":{"billingDay":0,` + state + `,` +
		`"hash":"` + r.Hash.String() + `","object":{"id":"acc_7","kind":"ACCOUNT","name":"Älg & <Söhne>` + "\u2028" + `"},` +
		`"prevHash":"` + strings.Repeat("0", 64) + `","requestId":"r-1","seq":1}`
	if string(line) != want {
		t.Errorf("it is\n%s\ninstead of\n%s", line, want)
	}
}

func TestANumberThatNotAllReadAlikeIsRefused(t *testing.T) {
	for name, value := range map[string]any{"a fraction": 0.5, "more than 53 bits": int64(1) << 53} {
		t.Run(name, func(t *testing.T) {
			if _, err := audit.Append(audit.Anchor{}, noon, controlplane.Actor{}, audit.Entry{After: audit.State{"n": value}}); err == nil {
				t.Error("it is taken")
			}
		})
	}
}

func TestAnAnchorReadsWhatItWrites(t *testing.T) {
	place := records(t, 1)[0].Place()
	back, err := audit.ParseAnchor("anchor", place.String())
	if err != nil || back != place {
		t.Errorf("%v becomes %v, %v", place, back, err)
	}
	for _, text := range []string{"", "1", "1:", "x:" + place.Hash.String(), "-1:" + place.Hash.String(), "1:" + place.Hash.String()[:62], "1:zz"} {
		if _, err := audit.ParseAnchor("anchor", text); controlplane.Faults(err) == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
