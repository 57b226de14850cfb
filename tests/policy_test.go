package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/tests/internal/stack"
)

// reach is how soon an edit has to change a decision, for 99 edits in 100.
const reach = time.Second

func TestAnEditReachesTheFilterWithinASecond(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{Workers: 4})
	client := s.NewClient()
	s.Eventually("a first snapshot", func() bool { return client.Get("/hello", demo.BasicKey).Status == 200 })
	tier := tierOf(s, "Basic")
	const edits = 100
	took := make([]time.Duration, 0, edits)
	for i := range edits {
		// The first limit changes, the others stay.
		amount := 1000 + i
		began := time.Now()
		s.Query(tier.update(amount), nil)
		s.Eventually("the edit", func() bool {
			return policy(t, client.Get("/hello", demo.BasicKey), tier.Limits[0].Name).quota == int64(amount)
		})
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	p50, p99 := took[edits/2], took[edits*99/100-1]
	t.Logf("from mutation to first changed decision over %d edits: p50 %v, p99 %v, max %v", edits, p50, p99, took[edits-1])
	if p99 > reach {
		t.Errorf("p99 is %v, want at most %v", p99, reach)
	}
}

func TestAnEditKeepsTheCountersOfOtherLimits(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{Workers: 4})
	client := s.NewClient()
	s.Eventually("a first snapshot", func() bool { return client.Get("/hello", demo.BasicKey).Status == 200 })
	tier := tierOf(s, "Basic")
	const path = "/v1/search"
	name := tier.of(path)
	start := policy(t, client.Get(path, demo.BasicKey), name)
	const edits = 5
	for i := range edits {
		s.Query(tier.update(2000+i), nil)
		s.Eventually("the edit", func() bool {
			return policy(t, client.Get("/hello", demo.BasicKey), tier.Limits[0].Name).quota == int64(2000+i)
		})
		client.Get(path, demo.BasicKey)
	}
	// The bucket has filled a little since, and nobody has filled it up.
	if now := policy(t, client.Get(path, demo.BasicKey), name); now.remaining >= start.remaining || now.remaining < start.remaining-edits-1 {
		t.Errorf("%s had %d left, and %d after %d edits of another limit and %d more requests", name, start.remaining, now.remaining, edits, edits+1)
	}
}

func TestSuspensionAndRevocationReachTheFilter(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{})
	client := s.NewClient()
	var read struct {
		Accounts struct {
			Nodes []struct {
				ID   string
				Keys struct{ Nodes []struct{ ID string } }
			}
		}
	}
	s.Query(`{accounts(filter:{text:"Larkspur"}){nodes{id keys{nodes{id}}}}}`, &read)
	account := read.Accounts.Nodes[0]
	status := func(want int) func() bool {
		return func() bool { return client.Get("/hello", demo.BasicKey).Status == want }
	}
	s.Eventually("a request let through", status(200))
	s.Query(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,status:SUSPENDED}){snapshot}}`, account.ID), nil)
	s.Eventually("403 for a suspended account", status(403))
	s.Query(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,status:ACTIVE}){snapshot}}`, account.ID), nil)
	s.Eventually("a request let through again", status(200))
	s.Query(fmt.Sprintf(`mutation{updateKey(input:{id:%q,suspended:true}){snapshot}}`, account.Keys.Nodes[0].ID), nil)
	s.Eventually("403 for a suspended key", status(403))
	s.Query(fmt.Sprintf(`mutation{updateKey(input:{id:%q,suspended:false}){snapshot}}`, account.Keys.Nodes[0].ID), nil)
	s.Eventually("a request let through again", status(200))
	// The filter sees by itself that a key has expired.
	soon := time.Now().Add(2 * time.Second).Format(time.RFC3339)
	s.Query(fmt.Sprintf(`mutation{updateKey(input:{id:%q,expiresAt:%q}){snapshot}}`, account.Keys.Nodes[0].ID, soon), nil)
	s.Eventually("401 for an expired key", status(401))
	s.Query(fmt.Sprintf(`mutation{updateKey(input:{id:%q,neverExpires:true}){snapshot}}`, account.Keys.Nodes[0].ID), nil)
	s.Eventually("a request let through again", status(200))
	s.Query(fmt.Sprintf(`mutation{revokeKey(id:%q){snapshot}}`, account.Keys.Nodes[0].ID), nil)
	s.Eventually("401 for a revoked key", status(401))
	var created struct{ CreateKey struct{ Secret string } }
	s.Query(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"second"}){secret}}`, account.ID), &created)
	s.Eventually("the new key let through", func() bool {
		return client.Get("/hello", created.CreateKey.Secret).Status == 200
	})
}

func TestAnOverrideReachesTheFilterAndEndsByItself(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{})
	client := s.NewClient()
	s.Eventually("a first snapshot", func() bool { return client.Get("/hello", demo.BasicKey).Status == 200 })
	limit := tierOf(s, "Basic").Limits[0]
	var read struct {
		Accounts struct{ Nodes []struct{ ID string } }
	}
	s.Query(`{accounts(filter:{text:"Larkspur"}){nodes{id}}}`, &read)
	account := read.Accounts.Nodes[0].ID
	quota := func(want int64) func() bool {
		return func() bool { return policy(t, client.Get("/hello", demo.BasicKey), limit.Name).quota == want }
	}
	set := fmt.Sprintf(`mutation{setOverride(input:{accountId:%q,limitId:%q,amount:700,burst:700`, account, limit.ID)
	s.Query(set+`}){snapshot}}`, nil)
	s.Eventually("the override", quota(700))
	until := time.Now().Add(3 * time.Second)
	s.Query(fmt.Sprintf(`%s,until:%q}){snapshot}}`, set, until.Format(time.RFC3339Nano)), nil)
	s.Eventually("the tier's own limit", quota(limit.Amount))
	if now := time.Now(); now.Before(until) {
		t.Errorf("it ended %v early", until.Sub(now))
	} else {
		t.Logf("it ended within %v", now.Sub(until))
	}
}

func TestAResetFillsTheCounters(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{})
	client := s.NewClient()
	s.Eventually("a first snapshot", func() bool { return client.Get("/hello", demo.BasicKey).Status == 200 })
	var read struct {
		Accounts struct{ Nodes []struct{ ID string } }
	}
	s.Query(`{accounts(filter:{text:"Larkspur"}){nodes{id}}}`, &read)
	for range 150 {
		client.Get("/hello", demo.BasicKey)
	}
	if got := client.Get("/hello", demo.BasicKey).Status; got != 429 {
		t.Fatalf("after 151 requests: %d", got)
	}
	s.Query(fmt.Sprintf(`mutation{resetAccount(id:%q){snapshot}}`, read.Accounts.Nodes[0].ID), nil)
	s.Eventually("a full bucket", func() bool {
		return policy(t, client.Get("/hello", demo.BasicKey), "per-minute").remaining > 50
	})
}

type tier struct {
	ID     string
	Limits []struct {
		ID, Name, Kind, Mode, Period string
		Amount                       int64
		Burst                        *int64
		Endpoint                     struct{ ID, Method, Template string }
	}
}

func tierOf(s *stack.Stack, name string) tier {
	var read struct {
		Tiers struct {
			Nodes []struct {
				tier
				Name string
			}
		}
	}
	s.Query(`{tiers{nodes{id name limits{id name kind mode amount period burst endpoint{id method template}}}}}`, &read)
	for _, t := range read.Tiers.Nodes {
		if t.Name == name {
			return t.tier
		}
	}
	return tier{}
}

// of returns the name of the limit on an endpoint.
func (t tier) of(template string) string {
	for _, l := range t.Limits {
		if l.Endpoint.Template == template {
			return l.Name
		}
	}
	return ""
}

// update writes the mutation that sets the first limit's amount and burst.
func (t tier) update(amount int) string {
	var limits strings.Builder
	for i, l := range t.Limits {
		if i == 0 {
			l.Amount, l.Burst = int64(amount), nil
		}
		rest := ""
		if l.Endpoint.ID != "" {
			rest = fmt.Sprintf(",endpointId:%q", l.Endpoint.ID)
		}
		if l.Burst != nil {
			rest += fmt.Sprintf(",burst:%d", *l.Burst)
		}
		fmt.Fprintf(&limits, "{id:%q,name:%q,kind:%s,mode:%s,amount:%d,period:%s%s}", l.ID, l.Name, l.Kind, l.Mode, l.Amount, l.Period, rest)
	}
	return fmt.Sprintf(`mutation{updateTier(input:{id:%q,limits:[%s]}){snapshot}}`, t.ID, limits.String())
}

type standing struct{ quota, remaining int64 }

// policy reads what a response says of one limit.
func policy(t *testing.T, r stack.Response, name string) standing {
	t.Helper()
	return standing{member(t, r, "RateLimit-Policy", name, "q"), member(t, r, "RateLimit", name, "r")}
}

func member(t *testing.T, r stack.Response, field, name, param string) int64 {
	t.Helper()
	list, err := httpsfv.UnmarshalList(r.Header.Values(field))
	if err != nil {
		t.Fatalf("%s %q: %v", field, r.Header.Values(field), err)
	}
	for _, m := range list {
		item, ok := m.(httpsfv.Item)
		if !ok || item.Value != name {
			continue
		}
		value, _ := item.Params.Get(param)
		n, ok := value.(int64)
		if !ok {
			t.Fatalf("%s has no %s for %s: %q", field, param, name, r.Header.Values(field))
		}
		return n
	}
	t.Fatalf("%d %s: %s says nothing of %s: %q", r.Status, r.Body, field, name, r.Header.Values(field))
	return 0
}
