package postgres_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

func anyRole(controlplane.Role) error { return nil }

// join makes an active member.
func join(t *testing.T, db *postgres.DB, email string, role controlplane.Role, account controlplane.ID) controlplane.Member {
	t.Helper()
	link := controlplane.NewSecret("")
	invited, err := db.InviteMember(t.Context(), controlplane.Invitation{Email: email, Role: role, AccountID: account}, anyRole, link, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got := invited.Status(); got != controlplane.MemberInvited {
		t.Errorf("invited, a member is %s", got)
	}
	member, ok, err := db.AcceptLink(t.Context(), link, "Ada", "a digest")
	if err != nil || !ok || member.Status() != controlplane.MemberActive || member.Name != "Ada" {
		t.Fatalf("joined: %+v, %v, %v", member, ok, err)
	}
	if _, ok, err := db.AcceptLink(t.Context(), link, "Eve", "another"); err != nil || ok {
		t.Errorf("the link worked twice: %v, %v", ok, err)
	}
	return member
}

func begin(t *testing.T, db *postgres.DB, member controlplane.ID) controlplane.Secret {
	t.Helper()
	secret := controlplane.NewSecret("")
	ok, err := db.BeginSession(t.Context(), postgres.NewSession{Secret: secret, MemberID: member, Address: "192.0.2.1", UserAgent: "tests", Lasts: time.Hour}, nil)
	if err != nil || !ok {
		t.Fatalf("begin a session: %v, %v", ok, err)
	}
	return secret
}

func isLive(t *testing.T, db *postgres.DB, secret controlplane.Secret) bool {
	t.Helper()
	_, ok, err := db.SessionOf(t.Context(), secret, false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestSignInLinksWorkOnceAndInTimeForTheFirstOwner(t *testing.T) {
	db := open(t)
	now := time.Now()
	fresh, second, late := controlplane.NewSecret(""), controlplane.NewSecret(""), controlplane.NewSecret("")
	for secret, expires := range map[controlplane.Secret]time.Time{fresh: now.Add(time.Hour), second: now.Add(time.Hour), late: now.Add(-time.Second)} {
		if err := db.CreateSignInLink(t.Context(), secret, expires); err != nil {
			t.Fatal(err)
		}
	}
	var owner controlplane.ID
	for i, tc := range []struct {
		secret controlplane.Secret
		want   bool
	}{{fresh, true}, {fresh, false}, {late, false}, {controlplane.NewSecret(""), false}, {second, true}} {
		id, err := db.UseSignInLink(t.Context(), tc.secret, now)
		if err != nil || (id != 0) != tc.want {
			t.Errorf("use %d: %v, %v; want %v", i, id, err, tc.want)
		}
		if id != 0 && owner != 0 && id != owner {
			t.Errorf("use %d signs in as %d; the first owner is %d", i, id, owner)
		}
		owner = max(owner, id)
	}
	members, more, err := db.Members(t.Context(), postgres.MemberFilter{}, 0, 10)
	if err != nil || more || len(members) != 1 || members[0].Role != controlplane.RoleOwner || members[0].HasPassword {
		t.Errorf("members %+v, %v, %v", members, more, err)
	}
}

func TestOfTwoOwnersWhoDemoteEachOtherOneStays(t *testing.T) {
	viewer, disabled := controlplane.RoleViewer, true
	for round := range 6 {
		db := open(t)
		a, b := join(t, db, "a@example.com", controlplane.RoleOwner, 0), join(t, db, "b@example.com", controlplane.RoleOwner, 0)
		edits := []func() error{
			func() error {
				_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: a.ID, Role: &viewer}, anyRole)
				return err
			},
			func() error {
				if round%2 == 0 {
					return db.RemoveMember(t.Context(), b.ID, anyRole)
				}
				_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: b.ID, Disabled: &disabled}, anyRole)
				return err
			},
		}
		errs := make([]error, len(edits))
		var wg sync.WaitGroup
		for i, edit := range edits {
			wg.Go(func() { errs[i] = edit() })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v; want one of them refused", round, errs[0], errs[1])
		}
		wantFault(t, errors.Join(errs...), controlplane.CodeConflict, "id")
		owners, _, err := db.Members(t.Context(), postgres.MemberFilter{Role: controlplane.RoleOwner}, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		owners = slices.DeleteFunc(owners, func(m controlplane.Member) bool { return m.Status() != controlplane.MemberActive })
		if len(owners) != 1 {
			t.Errorf("round %d left owners %+v", round, owners)
		}
	}
}

func TestAChangeOfTheRoleEndsSessionsAndDisablingDoes(t *testing.T) {
	db := open(t)
	member := join(t, db, "ada@example.com", controlplane.RoleViewer, 0)
	operator, viewer, yes := controlplane.RoleOperator, controlplane.RoleViewer, true
	for name, tc := range map[string]struct {
		change func() error
		live   bool
	}{
		"the same role": {func() error {
			_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: member.ID, Role: &viewer}, anyRole)
			return err
		}, true},
		"another role": {func() error {
			_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: member.ID, Role: &operator}, anyRole)
			return errors.Join(err, func() error {
				_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: member.ID, Role: &viewer}, anyRole)
				return err
			}())
		}, false},
		"disabled": {func() error {
			_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: member.ID, Disabled: &yes}, anyRole)
			no := false
			_, again := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: member.ID, Disabled: &no}, anyRole)
			return errors.Join(err, again)
		}, false},
		"another password": {func() error { return db.SetPassword(t.Context(), member.ID, "another digest", 0) }, false},
		"ended by others": {func() error {
			_, err := db.EndMemberSessions(t.Context(), member.ID, anyRole)
			return err
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			session := begin(t, db, member.ID)
			if !isLive(t, db, session) {
				t.Fatal("a new session is not live")
			}
			if err := tc.change(); err != nil {
				t.Fatal(err)
			}
			if got := isLive(t, db, session); got != tc.live {
				t.Errorf("live: %v; want %v", got, tc.live)
			}
		})
	}
}

func TestWhoMayNotManageARoleChangesNothing(t *testing.T) {
	db := open(t)
	join(t, db, "owner@example.com", controlplane.RoleOwner, 0)
	owner := join(t, db, "second@example.com", controlplane.RoleOwner, 0)
	viewer := join(t, db, "viewer@example.com", controlplane.RoleViewer, 0)
	noOwners := func(r controlplane.Role) error {
		if r == controlplane.RoleOwner {
			return controlplane.Forbidden("OWNERS_WRITE")
		}
		return nil
	}
	promoted := controlplane.RoleOwner
	for name, do := range map[string]func() error{
		"remove an owner":  func() error { return db.RemoveMember(t.Context(), owner.ID, noOwners) },
		"end an owner's":   func() error { _, err := db.EndMemberSessions(t.Context(), owner.ID, noOwners); return err },
		"an owner's codes": func() error { _, err := db.ResetMemberTOTP(t.Context(), owner.ID, noOwners); return err },
		"an owner's password": func() error {
			_, err := db.LinkMember(t.Context(), owner.ID, noOwners, controlplane.NewSecret(""), time.Now())
			return err
		},
		"make one an owner": func() error {
			_, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: viewer.ID, Role: &promoted}, noOwners)
			return err
		},
		"invite one as an owner": func() error {
			_, err := db.InviteMember(t.Context(), controlplane.Invitation{Email: "new@example.com", Role: promoted}, noOwners, controlplane.NewSecret(""), time.Now())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantFault(t, do(), controlplane.CodeForbidden, "") })
	}
	members, _, err := db.Members(t.Context(), postgres.MemberFilter{}, 0, 10)
	if err != nil || len(members) != 3 || members[1] != owner && members[1].Role != owner.Role || members[2].Role != controlplane.RoleViewer {
		t.Errorf("members %+v, %v", members, err)
	}
}

func TestMistakesAboutMembers(t *testing.T) {
	db := open(t)
	owner := join(t, db, "owner@example.com", controlplane.RoleOwner, 0)
	customer := controlplane.RoleCustomer
	invite := func(i controlplane.Invitation) error {
		_, err := db.InviteMember(t.Context(), i, anyRole, controlplane.NewSecret(""), time.Now().Add(time.Hour))
		return err
	}
	wantFault(t, invite(controlplane.Invitation{Email: "owner@example.com", Role: controlplane.RoleViewer}), controlplane.CodeValidation, "email")
	wantFault(t, invite(controlplane.Invitation{Email: "c@example.com", Role: customer, AccountID: 99}), controlplane.CodeNotFound, "accountId")
	wantFault(t, db.RemoveMember(t.Context(), 99, anyRole), controlplane.CodeNotFound, "id")
	wantFault(t, db.RemoveMember(t.Context(), owner.ID, anyRole), controlplane.CodeConflict, "id")
	email := "owner@example.com"
	other := join(t, db, "other@example.com", controlplane.RoleViewer, 0)
	wantFault(t, db.UpdateProfile(t.Context(), other.ID, controlplane.Profile{Email: &email}), controlplane.CodeValidation, "email")
	wantFault(t, db.EndSession(t.Context(), owner.ID, 99), controlplane.CodeNotFound, "id")
}

func TestASessionEndsWhenItIsIdleAndAtItsEnd(t *testing.T) {
	db := open(t)
	member := join(t, db, "ada@example.com", controlplane.RoleOwner, 0)
	session := begin(t, db, member.ID)
	for name, tc := range map[string]struct {
		pending bool
		idle    time.Duration
		want    bool
	}{
		"live": {false, time.Hour, true}, "idle": {false, 0, false}, "for the second step": {true, time.Hour, false},
	} {
		if _, ok, err := db.SessionOf(t.Context(), session, tc.pending, tc.idle); err != nil || ok != tc.want {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	over := controlplane.NewSecret("")
	if _, err := db.BeginSession(t.Context(), postgres.NewSession{Secret: over, MemberID: member.ID, Lasts: -time.Second}, &session); err != nil {
		t.Fatal(err)
	}
	if isLive(t, db, over) {
		t.Error("a session outlived its end")
	}
	if isLive(t, db, session) {
		t.Error("the session that the browser had before is live")
	}
}

func TestTriesAreBoundedHoweverManyComeAtOnce(t *testing.T) {
	db := open(t)
	bound := postgres.Tries{Most: 5, Every: time.Hour}
	var granted atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			wait, err := db.TakeTry(t.Context(), "email ada", bound)
			switch {
			case err != nil:
				t.Error(err)
			case wait == 0:
				granted.Add(1)
			case wait < 50*time.Minute || wait > time.Hour:
				t.Errorf("wait %v", wait)
			}
		})
	}
	wg.Wait()
	if granted.Load() != 5 {
		t.Errorf("%d of 20 got a try; want 5", granted.Load())
	}
	if wait, err := db.TakeTry(t.Context(), "email grace", bound); wait != 0 || err != nil {
		t.Errorf("another key waits %v, %v", wait, err)
	}
	if err := db.ForgetTries(t.Context(), "email ada"); err != nil {
		t.Fatal(err)
	}
	if wait, err := db.TakeTry(t.Context(), "email ada", bound); wait != 0 || err != nil {
		t.Errorf("after a success: wait %v, %v", wait, err)
	}
}
