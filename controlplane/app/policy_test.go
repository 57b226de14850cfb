package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// poll asks the edge for a snapshot as a filter that has a version does.
func (p *plane) poll(have uint64) answer {
	p.t.Helper()
	return p.send("GET", p.edge(fmt.Sprintf("/edge/v1/snapshot?have=%d", have)), "", "Authorization", "Bearer "+nodeToken)
}

// update polls, and reads the update that the poll has to bring.
func (p *plane) update(have uint64) book.Update {
	p.t.Helper()
	got := p.poll(have)
	if got.Status != http.StatusOK {
		p.t.Fatalf("%d %s", got.Status, got.Body)
	}
	u, err := book.DecodeUpdate([]byte(got.Body))
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

// core opens segment 0 of an update.
func core(t *testing.T, u book.Update) *book.Core {
	t.Helper()
	if len(u.Segments) == 0 || u.Segments[0].Index != 0 {
		t.Fatalf("the update from %d to %d has no core", u.Base, u.Version)
	}
	c, err := book.OpenCore(u.Segments[0].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// amounts returns the amounts of a plan's limits.
func amounts(c *book.Core, plan uint64) []uint64 {
	ref, ok := c.FindPlan(plan)
	if !ok {
		return nil
	}
	var all []uint64
	for i := range ref.Limits {
		all = append(all, c.Limit(ref.FirstLimit+i).Amount)
	}
	return all
}

// tierWithAccount makes a tier of one limit with an account that has a key.
func (p *plane) tierWithAccount() (tier, limit, account, key string) {
	p.t.Helper()
	var made struct {
		CreateTier struct {
			Tier struct {
				ID     string
				Limits []struct{ ID string }
			}
		}
	}
	p.must(`mutation{createTier(input:{name:"Basic",limits:[{name:"per-minute",amount:100,period:MINUTE}]}){tier{id limits{id}}}}`, &made)
	tier, limit = made.CreateTier.Tier.ID, made.CreateTier.Tier.Limits[0].ID
	var opened struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	p.must(fmt.Sprintf(`mutation{createAccount(input:{name:"Birch",tierId:%q}){account{id}}}`, tier), &opened)
	account = opened.CreateAccount.Account.ID
	var secret struct {
		CreateKey struct{ Key struct{ ID string } }
	}
	p.must(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci"}){key{id}}}`, account), &secret)
	return tier, limit, account, secret.CreateKey.Key.ID
}

// latest polls until the update carries a version.
func (p *plane) latest(version int64) book.Update {
	p.t.Helper()
	have := uint64(0)
	for {
		u := p.update(have)
		if u.Version >= uint64(version) {
			return p.update(0)
		}
		have = u.Version
	}
}

func TestALongPollAnswersWithWhatChanged(t *testing.T) {
	p := open(t)
	tier, limit, _, key := p.tierWithAccount()
	var made struct{ CreateTier struct{ Snapshot int64 } }
	p.must(`mutation{createTier(input:{name:"Last",limits:[]}){snapshot}}`, &made)
	whole := p.latest(made.CreateTier.Snapshot)
	if whole.Base != 0 || len(whole.Segments) != 1+1<<whole.Bits || core(t, whole).Plans() != 4 {
		t.Fatalf("the whole is %d segments from %d on", len(whole.Segments), whole.Base)
	}
	version := whole.Version
	for name, tc := range map[string]struct {
		mutation string
		core     bool // whether the core changes; else a shard does
	}{
		"a tier": {fmt.Sprintf(`mutation{updateTier(input:{id:%q,limits:[{id:%q,name:"per-minute",amount:7,period:MINUTE}]}){snapshot}}`, tier, limit), true},
		"a key":  {fmt.Sprintf(`mutation{updateKey(input:{id:%q,suspended:true}){snapshot}}`, key), false},
	} {
		have := version
		answered := make(chan map[string]struct{ Snapshot uint64 }, 1)
		go func() {
			answer := map[string]struct{ Snapshot uint64 }{}
			if errs := p.query(tc.mutation, &answer); errs != nil {
				t.Error(errs)
			}
			answered <- answer
		}()
		u := p.update(have)
		for _, a := range <-answered {
			if u.Version != a.Snapshot || u.Base != have {
				t.Errorf("%s: the update goes from %d to %d, want %d to %d", name, u.Base, u.Version, have, a.Snapshot)
			}
		}
		if len(u.Segments) != 1 || (u.Segments[0].Index == 0) != tc.core {
			t.Errorf("%s: the update has %d segments, the first of them %d", name, len(u.Segments), u.Segments[0].Index)
		}
		version = u.Version
	}
	if u := p.update(version - 1); u.Base != 0 {
		t.Errorf("from a version that nobody compiled the update is from %d", u.Base)
	}
}

func TestAnOverrideEndsByItselfWithSeveralControlPlanes(t *testing.T) {
	url := databases.New(t)
	others := []*plane{openOn(t, url), openOn(t, url)}
	p := openOn(t, url)
	_, limit, account, _ := p.tierWithAccount()
	var set struct{ SetOverride struct{ Snapshot int64 } }
	p.must(fmt.Sprintf(`mutation{setOverride(input:{accountId:%q,limitId:%q,amount:5,until:%q}){snapshot}}`,
		account, limit, time.Now().Add(time.Hour).Format(time.RFC3339Nano)), &set)
	before := p.latest(set.SetOverride.Snapshot)
	id, err := controlplane.KindAccount.Parse("", account)
	if err != nil {
		t.Fatal(err)
	}
	own := uint64(1)<<48 + uint64(id)
	if got := amounts(core(t, before), own); len(got) != 1 || got[0] != 5 {
		t.Errorf("with an override the plan allows %v", got)
	}
	// The hour passes. Nobody edits anything: the poll is answered because the
	// override ended.
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `update overrides set until = clock_timestamp()`); err != nil {
		t.Fatal(err)
	}
	after := p.update(before.Version)
	if got := amounts(core(t, p.update(0)), own); got != nil {
		t.Errorf("after its end there is a plan that allows %v", got)
	}
	if after.Base != before.Version || len(after.Segments) != 2 {
		t.Errorf("the update is from %d, with %d segments", after.Base, len(after.Segments))
	}
	for _, other := range others {
		if u := other.update(before.Version); u.Version != after.Version {
			t.Errorf("one control plane ended it in version %d, another in %d", after.Version, u.Version)
		}
	}
	var read struct {
		Account struct {
			Overrides nodes[struct {
				Ended, InForce bool
				Amount         int64
			}]
			Levels []struct{ Capacity int64 }
		}
	}
	p.must(fmt.Sprintf(`{account(id:%q){overrides{nodes{ended inForce amount}} levels{capacity}}}`, account), &read)
	if a := read.Account; len(a.Overrides.Nodes) != 1 || !a.Overrides.Nodes[0].Ended || a.Overrides.Nodes[0].InForce || a.Levels[0].Capacity != 100 {
		t.Errorf("it shows as %+v", a)
	}
}
