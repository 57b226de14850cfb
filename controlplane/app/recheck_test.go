package app_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// anybody may be changed by the tests.
func anybody(controlplane.Role) error { return nil }

// session begins a session of a member.
func (p *plane) session(member controlplane.ID) http.Header {
	p.t.Helper()
	secret := controlplane.NewSecret("")
	ok, err := p.DB().BeginSession(p.t.Context(), postgres.NewSession{Secret: secret, MemberID: member, Lasts: time.Hour}, nil)
	if err != nil || !ok {
		p.t.Fatal(ok, err)
	}
	return http.Header{"Cookie": {"weir_session=" + secret.Reveal()}}
}

// events subscribes by server-sent events; the function reads them to their end, and
// returns the last.
func (p *plane) events(header http.Header) (last func() string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.http("/graphql"), strings.NewReader(fmt.Sprintf(`{"query":%q}`, liveQuery)))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header = header.Clone()
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { resp.Body.Close() })
	return func() string {
		last := ""
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				last = data
			}
		}
		return last
	}
}

// Whoever may not see any more what they see is told so and sees no more, when another
// process made the change.
func TestSubscriptionsEndWithWhatAllowedThem(t *testing.T) {
	url := databases.New(t)
	other := openOn(t, url)
	p := openOn(t, url)
	own, another := p.twoAccounts()
	db, ctx := other.DB(), t.Context()
	edit := func(e controlplane.MemberEdit) error { _, err := db.UpdateMember(ctx, e, anybody); return err }
	admin := func() controlplane.ID { return p.member(controlplane.RoleAdmin, 0) }
	token := func(a controlplane.APIToken) (controlplane.ID, http.Header) {
		secret := controlplane.NewSecret("")
		a.Name, a.Scopes = secret.Reveal(), []string{"USAGE_READ", "ACCOUNTS_READ", "KEYS_WRITE"}
		made, err := p.DB().CreateAPIToken(ctx, a, secret)
		if err != nil {
			t.Fatal(err)
		}
		return made.ID, http.Header{"Authorization": {"Bearer " + secret.Reveal()}}
	}
	viewer, customer, yes := controlplane.RoleViewer, controlplane.RoleCustomer, true
	for name, begin := range map[string]func() (http.Header, func() error){
		"role changed": func() (http.Header, func() error) {
			m := admin()
			return p.session(m), func() error { return edit(controlplane.MemberEdit{ID: m, Role: &viewer}) }
		},
		"member disabled": func() (http.Header, func() error) {
			m := admin()
			return p.session(m), func() error { return edit(controlplane.MemberEdit{ID: m, Disabled: &yes}) }
		},
		"member removed": func() (http.Header, func() error) {
			m := admin()
			return p.session(m), func() error { return db.RemoveMember(ctx, m, anybody) }
		},
		"session ended": func() (http.Header, func() error) {
			m := admin()
			return p.session(m), func() error { _, err := db.EndMemberSessions(ctx, m, anybody); return err }
		},
		"customer of another account": func() (http.Header, func() error) {
			m := p.member(customer, own)
			return p.session(m), func() error {
				return edit(controlplane.MemberEdit{ID: m, Role: &customer, AccountID: another})
			}
		},
		"token revoked": func() (http.Header, func() error) {
			id, header := token(controlplane.APIToken{CreatedBy: admin()})
			return header, func() error {
				_, err := db.RevokeAPIToken(ctx, id, func(controlplane.APIToken) error { return nil })
				return err
			}
		},
		"token expired": func() (http.Header, func() error) {
			soon := time.Now().Add(2 * time.Second)
			_, header := token(controlplane.APIToken{CreatedBy: admin(), ExpiresAt: &soon})
			return header, func() error { return nil }
		},
		"token narrowed with its maker's role": func() (http.Header, func() error) {
			m := admin()
			_, header := token(controlplane.APIToken{CreatedBy: m})
			return header, func() error { return edit(controlplane.MemberEdit{ID: m, Role: &viewer}) }
		},
		"token of a member who is disabled": func() (http.Header, func() error) {
			m := admin()
			_, header := token(controlplane.APIToken{CreatedBy: m})
			return header, func() error { return edit(controlplane.MemberEdit{ID: m, Disabled: &yes}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plane{p.App, t, p.token}
			header, end := begin()
			events := p.events(header)
			s := p.socket(header)
			s.send("subscribe", "1", liveQuery)
			p.awaitSubscribers(2)
			if err := end(); err != nil {
				t.Fatal(err)
			}
			var err error
			for err == nil {
				_, _, err = s.ReadMessage()
			}
			if !websocket.IsCloseError(err, 4401) || !strings.Contains(err.Error(), "sign in again") {
				t.Errorf("the socket is closed with %v", err)
			}
			if last := events(); !strings.Contains(last, `"UNAUTHENTICATED"`) || !strings.Contains(last, "sign in again") {
				t.Errorf("the last event is %s", last)
			}
			p.awaitSubscribers(0)
		})
	}
}
