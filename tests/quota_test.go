package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weirhq/weir/tests/internal/stack"
)

// TestAQuotaIsSpentToTheLastRequest takes a quota from the dashboard's edit to
// the answer why a request was limited.
func TestAQuotaIsSpentToTheLastRequest(t *testing.T) {
	const amount = 40
	s := stack.Start(t, databases.New(t), stack.Options{})
	var tier struct {
		CreateTier struct{ Tier struct{ ID string } }
	}
	s.Query(fmt.Sprintf(`mutation{createTier(input:{name:"Metered",limits:[{name:"monthly",kind:QUOTA,amount:%d,period:MONTH}]}){tier{id}}}`, amount), &tier)
	var account struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	s.Query(fmt.Sprintf(`mutation{createAccount(input:{name:"Metered GmbH",tierId:%q,timeZone:"Europe/Berlin"}){account{id}}}`, tier.CreateTier.Tier.ID), &account)
	id := account.CreateAccount.Account.ID
	var key struct{ CreateKey struct{ Secret string } }
	s.Query(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci"}){secret}}`, id), &key)
	s.AwaitSnapshot()

	client := s.NewClient()
	spend := func() (passed int) {
		s.Eventually("the quota to be spent", func() bool {
			r := client.Get("/v1/users/1", key.CreateKey.Secret)
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
	var read struct {
		Account struct {
			Quotas []struct{ Amount, Consumed, Outstanding, WrittenOff int64 }
		}
	}
	s.Eventually("the ledger to know", func() bool {
		s.Query(fmt.Sprintf(`{account(id:%q){quotas{amount consumed outstanding writtenOff}}}`, id), &read)
		q := read.Account.Quotas
		return len(q) == 1 && q[0].Consumed == amount && q[0].Outstanding == 0 && q[0].WrittenOff == 0
	})
	wantExplained(t, s, client, key.CreateKey.Secret, "monthly", fmt.Sprintf(
		"The limit monthly allows %d requests a calendar month to the whole account: none of %d left; ", amount, amount))
	s.Query(fmt.Sprintf(`mutation{resetAccount(id:%q){snapshot}}`, id), nil)
	s.AwaitSnapshot()
	if passed := spend(); passed != amount {
		t.Errorf("after the reset %d requests passed, want %d", passed, amount)
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
