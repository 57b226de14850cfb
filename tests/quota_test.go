package tests

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/tests/internal/stack"
)

// TestAQuotaIsSpentToTheLastRequest takes a quota from the dashboard's edit to
// the answer why a request was limited.
func TestAQuotaIsSpentToTheLastRequest(t *testing.T) {
	const amount = 40
	s := stack.Start(t, databases.New(t), stack.Options{})
	id, secret := metered(s, amount)
	s.AwaitSnapshot()

	client := s.NewClient()
	spend := func() (passed int) {
		s.Eventually("the quota to be spent", func() bool {
			r := client.Get("/v1/users/1", secret)
			switch r.Status {
			case http.StatusOK:
				passed++
			case http.StatusTooManyRequests:
				return passed > 0 // before that, this worker has not seen the reset
			case http.StatusServiceUnavailable, http.StatusUnauthorized: // until the first lease, and this worker's copy of the key, are there
			default:
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			return false
		})
		return passed
	}
	passed := spend()
	if passed != amount {
		t.Errorf("%d requests passed, want %d", passed, amount)
	}
	s.Eventually("the ledger to know", func() bool {
		q, err := quotaOf(s, id)
		return err == nil && q == quotaStanding{Amount: amount, Consumed: amount}
	})
	wantExplained(t, s, client, secret, "monthly", fmt.Sprintf(
		"The limit monthly allows %d requests a calendar month to the whole account: none of %d left; ", amount, amount))
	s.Query(fmt.Sprintf(`mutation{resetAccount(id:%q){snapshot}}`, id), nil)
	s.AwaitSnapshot()
	if passed := spend(); passed != amount {
		t.Errorf("after the reset %d requests passed, want %d", passed, amount)
	}
}

// metered makes an account whose tier has one quota, and a key for it.
func metered(s *stack.Stack, amount int) (id, secret string) {
	return accountWith(s, fmt.Sprintf(`{name:"monthly",kind:QUOTA,amount:%d,period:MONTH}`, amount))
}

// accountWith makes an account whose tier has one limit, and a key for it.
func accountWith(s *stack.Stack, limit string) (id, secret string) {
	name := rand.Text()
	var tier struct {
		CreateTier struct{ Tier struct{ ID string } }
	}
	s.Query(fmt.Sprintf(`mutation{createTier(input:{name:%q,limits:[%s]}){tier{id}}}`, name, limit), &tier)
	var account struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	s.Query(fmt.Sprintf(`mutation{createAccount(input:{name:%q,tierId:%q,timeZone:"Europe/Berlin"}){account{id}}}`, name, tier.CreateTier.Tier.ID), &account)
	id = account.CreateAccount.Account.ID
	var key struct{ CreateKey struct{ Secret string } }
	s.Query(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci"}){secret}}`, id), &key)
	return id, key.CreateKey.Secret
}

// awaitPolicy waits until an Envoy knows its policy. A client that nobody knows takes
// nothing.
func awaitPolicy(s *stack.Stack, c *stack.Client) {
	s.Eventually("a policy", func() bool { return c.Get("/v1/users/1", "nobody").Status == http.StatusUnauthorized })
}

// quotaStanding is what the ledger says of an account's only quota.
type quotaStanding struct{ Amount, Consumed, Outstanding, WrittenOff int64 }

func quotaOf(s *stack.Stack, account string) (quotaStanding, error) {
	var read struct {
		Account struct{ Quotas []quotaStanding }
	}
	err := s.TryQuery(fmt.Sprintf(`{account(id:%q){quotas{amount consumed outstanding writtenOff}}}`, account), &read)
	if err != nil || len(read.Account.Quotas) != 1 {
		return quotaStanding{}, err
	}
	return read.Account.Quotas[0], nil
}

// TestTwoEnvoysShareAQuotaWhateverDies spends a quota through two Envoys, while
// Envoys and the control plane are killed and started anew. Nothing is let
// through beyond it, then and after all of it has started anew.
func TestTwoEnvoysShareAQuotaWhateverDies(t *testing.T) {
	const amount = 4000
	s := stack.Start(t, databases.New(t), stack.Options{Outside: true})
	plane := s.Serve()
	id, secret := metered(s, amount)
	first, second := s.NewClient(), (*stack.Client)(nil)
	envoy, gateway := s.StartEnvoy("second")
	second = s.NewClientOf(gateway)

	var passed, refused, unknown int64
	// spend sends requests by turns until so many more have passed, or the quota
	// is spent for both.
	spend := func(more int64) {
		base := passed
		refusedInARow := 0
		s.Eventually("requests to pass", func() bool {
			for range 50 {
				for _, c := range []*stack.Client{first, second} {
					r, err := c.Send(t.Context(), http.MethodGet, "/v1/users/1", secret)
					switch {
					case err != nil:
						t.Fatal(err)
					case r.Status == http.StatusOK:
						passed, refusedInARow = passed+1, 0
					case r.Status == http.StatusTooManyRequests:
						refused, refusedInARow = refused+1, refusedInARow+1
					case strings.Contains(r.Body, "isn't known"):
						unknown++
					}
				}
			}
			return passed-base >= more || refusedInARow >= 200
		})
	}
	kill := func(pid int, done <-chan struct{}) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-done
	}
	spend(500)
	kill(envoy.PID(), envoy.Done())
	envoy, gateway = s.StartEnvoy("second")
	second = s.NewClientOf(gateway)
	spend(500)
	kill(plane.PID(), plane.Done())
	plane = s.Serve()
	spend(500)
	kill(plane.PID(), plane.Done())
	kill(envoy.PID(), envoy.Done())
	s.Serve()
	_, gateway = s.StartEnvoy("second")
	second = s.NewClientOf(gateway)
	spend(amount)

	var q quotaStanding
	s.Eventually("the ledger to have what is used", func() bool {
		var err error
		q, err = quotaOf(s, id)
		return err == nil && q.Consumed-q.WrittenOff+q.Outstanding > 0 && q.Consumed+q.Outstanding <= amount
	})
	t.Logf("%d passed, %d were refused, %d got no answer; %+v", passed, refused, unknown, q)
	if passed > amount || passed < amount/2 {
		t.Errorf("%d passed of a quota of %d", passed, amount)
	}
}

// TestTwoEnvoysSpendAQuotaTogether has many clients come at once to two Envoys that
// know nothing of their account yet, and again after a reset: each gets an answer
// that is so, until the quota is spent to the last request.
func TestTwoEnvoysSpendAQuotaTogether(t *testing.T) {
	const amount, clients = 4000, 24
	s := stack.Start(t, databases.New(t), stack.Options{})
	id, secret := metered(s, amount)
	_, gateway := s.StartEnvoy("second")
	s.AwaitSnapshot()
	awaitPolicy(s, s.NewClient())
	awaitPolicy(s, s.NewClientOf(gateway))
	spend := func() (by map[int]int64, unknown int64) {
		var mu sync.Mutex
		by = map[int]int64{}
		var wg sync.WaitGroup
		for i := range 2 * clients {
			c := s.NewClientOf([]string{s.Gateway, gateway}[i%2])
			wg.Go(func() {
				for inARow := 0; inARow < 20; { // spent for good
					r, err := c.Send(t.Context(), http.MethodGet, "/v1/users/1", secret)
					if err != nil {
						t.Error(err)
						return
					}
					inARow++
					if r.Status != http.StatusTooManyRequests {
						inARow = 0
					}
					mu.Lock()
					by[r.Status]++
					if strings.Contains(r.Body, "isn't known") {
						unknown++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return by, unknown
	}
	wantOverage(t, s, gateway)
	for _, when := range []string{"at first", "after a reset"} {
		by, unknown := spend()
		t.Logf("%s: %v; for %d nobody knew", when, by, unknown)
		if by[http.StatusOK] != amount {
			t.Errorf("%s: %d passed, want %d", when, by[http.StatusOK], amount)
		}
		s.Query(fmt.Sprintf(`mutation{resetAccount(id:%q){snapshot}}`, id), nil)
		s.AwaitSnapshot()
	}
}

// wantOverage has two Envoys use more of a soft quota together than it has, and
// checks that the ledger has by how much.
func wantOverage(t *testing.T, s *stack.Stack, gateway string) {
	t.Helper()
	const amount, over = 40, 10
	id, secret := accountWith(s, fmt.Sprintf(`{name:"monthly",kind:QUOTA,mode:SOFT,amount:%d,period:MONTH}`, amount))
	s.AwaitSnapshot()
	var wg sync.WaitGroup
	for i := range 2 {
		c := s.NewClientOf([]string{s.Gateway, gateway}[i])
		wg.Go(func() {
			for passed := 0; passed < (amount+over)/2; {
				switch r, err := c.Send(t.Context(), http.MethodGet, "/v1/users/1", secret); {
				case err != nil:
					t.Error(err)
					return
				case r.Status == http.StatusOK:
					passed++
				case r.Status != http.StatusUnauthorized: // until the key is there
					t.Errorf("a soft quota refused: %d %s", r.Status, r.Body)
					return
				}
			}
		})
	}
	wg.Wait()
	var read struct {
		Account struct{ Quotas []struct{ Overage int } }
	}
	s.Eventually("the ledger to have the overage", func() bool {
		s.Query(fmt.Sprintf(`{account(id:%q){quotas{overage}}}`, id), &read)
		return len(read.Account.Quotas) == 1 && read.Account.Quotas[0].Overage >= over
	})
	if got := read.Account.Quotas[0].Overage; got != over {
		t.Errorf("the overage is %d, want %d", got, over)
	}
}

// TestAnIdleEnvoyGivesUpItsPartAtOnce has one Envoy hold a part of a small quota
// that it doesn't use any more, while a client spends the rest through another,
// one request after the other: none is told that nobody knows.
func TestAnIdleEnvoyGivesUpItsPartAtOnce(t *testing.T) {
	const amount = 120
	s := stack.Start(t, databases.New(t), stack.Options{})
	id, secret := metered(s, amount)
	_, gateway := s.StartEnvoy("second")
	s.AwaitSnapshot()
	idle, busy := s.NewClient(), s.NewClientOf(gateway)
	awaitPolicy(s, idle)
	awaitPolicy(s, busy)
	passed := 0
	for range 30 {
		if r := idle.Get("/v1/users/1", secret); r.Status != http.StatusOK {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		passed++
	}
	var q quotaStanding
	s.Eventually("it to hold a part", func() bool {
		var err error
		q, err = quotaOf(s, id)
		return err == nil && q.Consumed == 30 && q.Outstanding > 0
	})
	var took []time.Duration
	by := map[int]int{}
	for by[http.StatusTooManyRequests] < 3 && by[http.StatusServiceUnavailable] == 0 {
		began := time.Now()
		r := busy.Get("/v1/users/1", secret)
		took = append(took, time.Since(began))
		by[r.Status]++
	}
	slices.Sort(took)
	t.Logf("of %d, %d were consumed and %d held by the idle one; then %v; half took at most %v, the longest %v",
		amount, q.Consumed, q.Outstanding, by, took[len(took)/2], took[len(took)-1])
	if by[http.StatusServiceUnavailable] != 0 || passed+by[http.StatusOK] != amount {
		t.Errorf("%v after %d, want %d to pass, and none without an answer", by, passed, amount)
	}
	s.Eventually("the ledger to know", func() bool {
		q, err := quotaOf(s, id)
		return err == nil && q == quotaStanding{Amount: amount, Consumed: amount}
	})
}

// TestAKilledEnvoyTakesLittleOfAQuotaWithIt kills an Envoy that has used some of a
// small quota: no more is lost with it than it was likely to use in some seconds.
func TestAKilledEnvoyTakesLittleOfAQuotaWithIt(t *testing.T) {
	const amount, used = 500, 20
	database := databases.New(t)
	s := stack.Start(t, database, stack.Options{})
	id, secret := metered(s, amount)
	envoy, gateway := s.StartEnvoy("second")
	s.AwaitSnapshot()
	client, other := s.NewClientOf(gateway), s.NewClient()
	awaitPolicy(s, client)
	awaitPolicy(s, other)
	for range used {
		if r := client.Get("/v1/users/1", secret); r.Status != http.StatusOK {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	s.Kill(envoy)
	db, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.CloseSilentLeases(t.Context(), time.Now().Add(postgres.LeaseTTL)); err != nil {
		t.Fatal(err)
	}
	q, err := quotaOf(s, id)
	if err != nil {
		t.Fatal(err)
	}
	lost := q.Consumed - used
	t.Logf("%+v: %d lost", q, lost)
	if lost > used+8 || q.Outstanding != 0 {
		t.Errorf("%+v: %d lost with an Envoy that had used %d", q, lost, used)
	}
	// The rest is another's, to the last request.
	passed := int64(0)
	for refused := 0; refused < 3; {
		switch r := other.Get("/v1/users/1", secret); r.Status {
		case http.StatusOK:
			passed++
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	if passed != amount-q.Consumed {
		t.Errorf("%d passed, want the %d that are left", passed, amount-q.Consumed)
	}
}

// wantExplained has requests refused until the sample of denials has one of
// them, and checks what is said of it.
func wantExplained(t *testing.T, s *stack.Stack, client *stack.Client, key, limit, want string) {
	t.Helper()
	type denial struct {
		Explanation string
		Limit       struct{ Name string }
	}
	var refused []string
	var found denial
	s.Eventually("a denial to be explained", func() bool {
		var problem struct {
			RequestID string `json:"request-id"`
		}
		r := client.Get("/v1/users/1", key)
		if r.Status != http.StatusTooManyRequests || json.Unmarshal([]byte(r.Body), &problem) != nil {
			return false
		}
		// The one before has had the time of a query to get there, at least.
		refused = append(refused, problem.RequestID)
		for _, id := range refused[max(0, len(refused)-200):] {
			var read struct{ Denials struct{ Nodes []denial } }
			s.Query(fmt.Sprintf(`{denials(requestId:%q){nodes{explanation limit{name}}}}`, id), &read)
			if len(read.Denials.Nodes) == 1 {
				found = read.Denials.Nodes[0]
				return true
			}
		}
		return false
	})
	if found.Limit.Name != limit || !strings.HasPrefix(found.Explanation, want) {
		t.Errorf("%+v, want %s", found, want)
	}
}
