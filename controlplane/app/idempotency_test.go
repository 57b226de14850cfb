package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

const (
	someKey  = "8e03978e-40d5-43dd-bc93-6894a57f9324"
	otherKey = "b7ad6b71-6920-4333-9e5b-2b7f1f0c9d11"
)

// keyed sends a mutation with an Idempotency-Key.
func (p *plane) keyed(key, operation string) answer {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.send("POST", p.http("/graphql"), string(body), "Authorization", "Bearer "+p.token, "Content-Type", "application/json",
		"Accept", "application/graphql-response+json", "Idempotency-Key", key)
}

func codeOf(a answer) string {
	var told struct{ Errors []gqlError }
	if json.Unmarshal([]byte(a.Body), &told) != nil || len(told.Errors) == 0 {
		return ""
	}
	return told.Errors[0].Extensions.Code
}

func TestAnIdempotencyKeyStandsForOneRequest(t *testing.T) {
	url := databases.New(t)
	p := openOn(t, url)
	other := openOn(t, url)
	p.token = other.token
	account := p.made(`mutation{createAccount(input:{name:"Acme"}){account{id}}}`)
	create := fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci"}){secret key{id}}}`, account)
	count := func() int {
		var read struct {
			Account struct{ Keys struct{ TotalCount int } }
		}
		p.must(fmt.Sprintf(`{account(id:%q){keys{totalCount}}}`, account), &read)
		return read.Account.Keys.TotalCount
	}
	first := p.keyed(someKey, create)
	if first.Status != 200 || !strings.Contains(first.Body, "wk_live_") {
		t.Fatalf("%+v", first)
	}
	t.Run("the same request has the same answer, in another process too", func(t *testing.T) {
		for _, at := range []*plane{p, other} {
			again := at.keyed(`"`+someKey+`"`, create)
			if again.Status != 200 || again.Body != first.Body || again.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("%+v", again)
			}
		}
		if n := count(); n != 1 {
			t.Errorf("there are %d keys", n)
		}
	})
	t.Run("another request with the key is refused", func(t *testing.T) {
		if got := p.keyed(someKey, strings.Replace(create, "ci", "cd", 1)); got.Status != 422 || codeOf(got) != "IDEMPOTENCY_MISMATCH" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a key that could be guessed is refused, and an empty one", func(t *testing.T) {
		for _, key := range []string{"short", ""} {
			if got := p.keyed(key, create); got.Status != 400 || codeOf(got) != "VALIDATION" {
				t.Errorf("%q: %+v", key, got)
			}
		}
	})
	t.Run("who may not do it any more isn't answered again", func(t *testing.T) {
		b := p.joined("ada@example.com", controlplane.RoleOperator)
		send := func(key, operation string) answer {
			body, err := json.Marshal(map[string]string{"query": operation})
			if err != nil {
				t.Fatal(err)
			}
			return p.send("POST", p.http("/graphql"), string(body), "Cookie", b.cookie, "Content-Type", "application/json", "Idempotency-Key", key)
		}
		mine := strings.Replace(create, "ci", "hers", 1)
		for range 2 {
			if got := send(someKey, mine); got.Status != 200 || !strings.Contains(got.Body, "wk_live_") {
				t.Fatalf("%+v", got)
			}
		}
		var first string
		for range 2 { // it leaves no record, yet is carried out once
			got := send(otherKey, `mutation{beginTotp{secret}}`)
			if first == "" {
				first = got.Body
			}
			if got.Status != 200 || got.Body != first {
				t.Errorf("%+v, want %s", got, first)
			}
		}
		viewer := controlplane.RoleViewer
		var members struct {
			Members nodes[struct{ ID, Email string }]
		}
		p.must(`{members{nodes{id email}}}`, &members)
		for _, m := range members.Members.Nodes {
			id, err := controlplane.KindMember.Parse("", m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if m.Email == "ada@example.com" {
				if _, err := p.DB().UpdateMember(t.Context(), controlplane.MemberEdit{ID: id, Role: &viewer}, func(controlplane.Role) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": password})
		if got := send(someKey, mine); codeOf(got) != "FORBIDDEN" || strings.Contains(got.Body, "wk_live_") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("what changed nothing may be tried again", func(t *testing.T) {
		wrong := `mutation{createAccount(input:{name:"Acme"}){account{id}}}`
		for range 2 {
			if got := p.keyed(otherKey, wrong); codeOf(got) != "VALIDATION" || got.Header.Get("Idempotency-Replayed") != "" {
				t.Errorf("%+v", got)
			}
		}
		if got := p.keyed(otherKey, strings.Replace(wrong, "Acme", "Birch", 1)); codeOf(got) != "" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("of many at once, in two processes, one is carried out", func(t *testing.T) {
		const key = "at-once-at-once-at-once"
		before := count()
		var wg sync.WaitGroup
		answers := make([]answer, 8)
		for i := range answers {
			wg.Go(func() { answers[i] = []*plane{p, other}[i%2].keyed(key, create) })
		}
		wg.Wait()
		for _, got := range answers {
			if code := codeOf(got); got.Status != 200 && (got.Status != 409 || code != "CONFLICT") {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		}
		if n := count(); n != before+1 {
			t.Errorf("%d were carried out", n-before)
		}
	})
	t.Run("nothing that was kept can be read in the database", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		var text string
		if err := conn.QueryRow(t.Context(), `select string_agg(encode(answer, 'escape') || encode(digest, 'escape'), '') from idempotency_keys`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "wk_live_") || strings.Contains(text, someKey) {
			t.Error("a secret is in it")
		}
	})
}

func TestARequestWhoseAnswerIsLostIsNotCarriedOutAgain(t *testing.T) {
	url := databases.New(t)
	p := openOn(t, url)
	create := `mutation{createAccount(input:{name:"Acme"}){account{id}}}`
	p.keyed(someKey, create)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// As after the death of a process between the change and its answer.
	set := func(to string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), `update idempotency_keys set `+to); err != nil {
			t.Fatal(err)
		}
	}
	set(`answer = null, runs_until = now() + interval '1 minute'`)
	if got := p.keyed(someKey, create); got.Status != 409 || codeOf(got) != "CONFLICT" {
		t.Errorf("while it may run: %+v", got)
	}
	set(`runs_until = now() - interval '1 second'`)
	if got := p.keyed(someKey, create); got.Status != 409 || codeOf(got) != "CARRIED_OUT" || !strings.Contains(got.Body, `"objects":["acc_1"]`) {
		t.Errorf("after that: %+v", got)
	}
	// As after the death of one before the change: another attempt takes over.
	set(`records = '{}'`)
	if _, err := conn.Exec(t.Context(), `delete from accounts`); err != nil {
		t.Fatal(err)
	}
	if got := p.keyed(someKey, create); got.Status != 200 || codeOf(got) != "" {
		t.Errorf("the next attempt: %+v", got)
	}
}
