package postgres_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// edited is a thing that two people edit. Each edit takes the revision that it is based
// on, nil for any, and returns the one that it leads to.
type edited struct {
	revision int
	theirs   func(db *postgres.DB, revision *int) (int, error) // by somebody with ada's context
	mine     func(db *postgres.DB, revision *int) (int, error)
	changed  []string // by theirs, but the revision
}

// editedThings are one of each kind but tiers and the retention.
func editedThings(t *testing.T, db *postgres.DB) map[string]edited {
	ada := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorMember, ID: 3, Name: "Ada"})
	tier, other := newTier(t, db, "Basic", perMinute(100)), newTier(t, db, "Other", perMinute(200))
	account, moved := newAccount(t, db, "acme", tier.ID), newAccount(t, db, "moved", tier.ID)
	key := newKey(t, db, account.ID)
	member := join(t, db, "grace@example.org", controlplane.RoleViewer, 0)
	endpoint, _, err1 := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/a", Cost: 1})
	meter, _, err2 := db.CreateMeter(t.Context(), controlplane.Meter{Name: "tokens", Unit: "tokens", Header: "x-tokens"})
	override := controlplane.Override{AccountID: account.ID, LimitID: tier.Limits[0].ID, Amount: 5}
	_, _, err3 := db.SetOverride(t.Context(), override, new(int))
	defaults, err4 := db.Defaults(t.Context())
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	overrideRevision := func(err error) (int, error) {
		all, err2 := db.OverridesByAccount(t.Context(), []controlplane.ID{account.ID})
		return all[0].Revision, errors.Join(err, err2)
	}
	set, _ := overrideRevision(nil)
	setOverride := func(amount int64) func(*postgres.DB, *int) (int, error) {
		return func(db *postgres.DB, revision *int) (int, error) {
			override.Amount = amount
			_, _, err := db.SetOverride(ada, override, revision)
			return overrideRevision(err)
		}
	}
	updateAccount := func(e controlplane.AccountEdit) func(*postgres.DB, *int) (int, error) {
		return func(db *postgres.DB, revision *int) (int, error) {
			e.Revision = revision
			a, _, err := db.UpdateAccount(ada, e)
			return a.Revision, err
		}
	}
	name, other2, seven, days := "theirs", "mine", 7, 30
	suspended, hidden, disabled := true, true, true
	operator := controlplane.RoleOperator
	return map[string]edited{
		"account": {
			account.Revision,
			updateAccount(controlplane.AccountEdit{ID: account.ID, Status: controlplane.AccountSuspended, AddLabels: controlplane.Labels{"plan": "a"}}),
			updateAccount(controlplane.AccountEdit{ID: account.ID, Name: &other2}), []string{"labels.plan", "status"},
		},
		"account that is moved": {
			moved.Revision,
			func(db *postgres.DB, revision *int) (int, error) {
				a, _, err := db.MoveAccount(ada, moved.ID, other.ID, false, revision)
				return a.Revision, err
			},
			updateAccount(controlplane.AccountEdit{ID: moved.ID, Name: &name}), []string{"tierId"},
		},
		"key": {
			key.Revision,
			func(db *postgres.DB, revision *int) (int, error) {
				k, _, err := db.UpdateKey(ada, controlplane.KeyEdit{ID: key.ID, Revision: revision, Suspended: &suspended})
				return k.Revision, err
			},
			func(db *postgres.DB, revision *int) (int, error) {
				k, _, err := db.UpdateKey(ada, controlplane.KeyEdit{ID: key.ID, Revision: revision, Name: &name})
				return k.Revision, err
			}, []string{"suspended"},
		},
		"endpoint": {
			endpoint.Revision,
			func(db *postgres.DB, revision *int) (int, error) {
				e, _, err := db.UpdateEndpoint(ada, controlplane.EndpointEdit{ID: endpoint.ID, Revision: revision, Cost: &seven})
				return e.Revision, err
			},
			func(db *postgres.DB, revision *int) (int, error) {
				_, err := db.DeleteEndpoint(ada, endpoint.ID, revision)
				return 0, err
			}, []string{"cost"},
		},
		"meter": {
			meter.Revision,
			func(db *postgres.DB, revision *int) (int, error) {
				m, _, err := db.UpdateMeter(ada, controlplane.MeterEdit{ID: meter.ID, Revision: revision, Hidden: &hidden})
				return m.Revision, err
			},
			func(db *postgres.DB, revision *int) (int, error) {
				_, err := db.DeleteMeter(ada, meter.ID, revision)
				return 0, err
			}, []string{"hidden"},
		},
		"member": {
			member.Revision,
			func(db *postgres.DB, revision *int) (int, error) {
				m, err := db.UpdateMember(ada, controlplane.MemberEdit{ID: member.ID, Revision: revision, Role: &operator}, anyRole)
				return m.Revision, err
			},
			func(db *postgres.DB, revision *int) (int, error) {
				m, err := db.UpdateMember(ada, controlplane.MemberEdit{ID: member.ID, Revision: revision, Disabled: &disabled}, anyRole)
				return m.Revision, err
			}, []string{"role"},
		},
		"override": {set, setOverride(6), setOverride(7), []string{"amount"}},
		"defaults": {
			defaults.Revision,
			func(db *postgres.DB, revision *int) (int, error) {
				d, _, err := db.SetDefaults(ada, controlplane.DefaultsEdit{Revision: revision, TierID: &other.ID})
				return d.Revision, err
			},
			func(db *postgres.DB, revision *int) (int, error) {
				allowance := &controlplane.IntroductoryAllowance{Percent: 200, Days: days}
				d, _, err := db.SetDefaults(ada, controlplane.DefaultsEdit{Revision: revision, Introductory: allowance})
				return d.Revision, err
			}, []string{"tierId"},
		},
	}
}

func TestAStaleEditOfAnythingIsToldWhatChanged(t *testing.T) {
	db := open(t)
	for kind, e := range editedThings(t, db) {
		t.Run(kind, func(t *testing.T) {
			now, err := e.theirs(db, &e.revision)
			if err != nil || now == e.revision {
				t.Fatalf("revision %d, %v; want another than %d", now, err, e.revision)
			}
			if again, err := e.theirs(db, nil); err != nil || again != now && kind != "override" {
				t.Errorf("revision %d, %v; an edit that changes nothing counts for nothing", again, err)
			}
			_, err = e.mine(db, &e.revision)
			wantFault(t, err, controlplane.CodeConflict, "revision")
			var fault *controlplane.Error
			if !errors.As(err, &fault) || fault.ChangedBy != "Ada" || fault.ChangedAt.IsZero() {
				t.Fatalf("got %+v, want who changed it, and when", fault)
			}
			var paths []string
			for _, c := range fault.Changed {
				paths = append(paths, c.Path)
			}
			if diff := cmp.Diff(e.changed, paths); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := e.mine(db, &now); err != nil {
				t.Errorf("an edit of what is there now: %v", err)
			}
		})
	}
}

func TestEveryWayOfChangingAnAccountCounts(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100))
	account := newAccount(t, db, "acme", tier.ID)
	key := newKey(t, db, account.ID)
	bulk := postgres.BulkEdit{Edit: controlplane.AccountEdit{AddLabels: controlplane.Labels{"a": "b"}}, Most: 10}
	if report, err := db.ChangeAccounts(t.Context(), bulk); err != nil || report.Changed != 1 || report.Changes[0].Account.Revision != account.Revision+1 {
		t.Fatalf("got %+v, %v", report, err)
	}
	if _, _, err := db.ResetAccount(t.Context(), account.ID); err != nil {
		t.Fatal(err)
	}
	closed, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, Status: controlplane.AccountClosed})
	if err != nil || closed.Revision != account.Revision+2 {
		t.Errorf("revision %d, %v; want %d: a reset is no edit", closed.Revision, err, account.Revision+2)
	}
	keys, err := db.KeysByID(t.Context(), []controlplane.ID{key.ID})
	if err != nil || keys[0].Revision != key.Revision+1 {
		t.Errorf("got %+v, %v; closing its account revokes a key, which counts", keys, err)
	}
}

func TestAnOverrideSetAnewIsAnotherOne(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100))
	o := controlplane.Override{AccountID: newAccount(t, db, "acme", tier.ID).ID, LimitID: tier.Limits[0].ID, Amount: 5}
	set := func(revision *int) (controlplane.Override, error) {
		_, _, err := db.SetOverride(t.Context(), o, revision)
		all, err2 := db.OverridesByAccount(t.Context(), []controlplane.ID{o.AccountID})
		if err2 != nil {
			t.Fatal(err2)
		}
		return slices.Concat(all, make([]controlplane.Override, 1))[0], err
	}
	first, err := set(new(int))
	if err != nil {
		t.Fatal(err)
	}
	_, err = set(new(int))
	wantFault(t, err, controlplane.CodeConflict, "revision")
	var fault *controlplane.Error
	if !errors.As(err, &fault) || !slices.ContainsFunc(fault.Changed, func(c controlplane.FieldChange) bool {
		return c.Path == "amount" && string(c.Before) == "null" && string(c.After) == "5"
	}) {
		t.Errorf("got %+v, want what was set where nothing was", fault)
	}
	if _, _, err := db.DeleteOverride(t.Context(), first.ID, &first.Revision); err != nil {
		t.Fatal(err)
	}
	_, err = set(&first.Revision)
	wantFault(t, err, controlplane.CodeConflict, "revision")
	second, err := set(nil)
	if err != nil || second.Revision == first.Revision {
		t.Errorf("revision %d, %v; want another than %d", second.Revision, err, first.Revision)
	}
	_, _, err = db.DeleteOverride(t.Context(), second.ID, &first.Revision)
	wantFault(t, err, controlplane.CodeConflict, "revision")
}
