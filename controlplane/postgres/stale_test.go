package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
)

func TestAStaleEditIsToldWhatChangedSince(t *testing.T) {
	db := open(t)
	ada := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorMember, ID: 3, Name: "Ada"})
	tier := newTier(t, db, "Basic", perMinute(100))
	limits := []controlplane.Limit{tier.Limits[0]}
	limits[0].Amount = 7
	if _, _, err := db.PublishTier(t.Context(), controlplane.Publication{TierID: tier.ID, Limits: &limits, Move: controlplane.Migration{When: controlplane.MoveNow}}); err != nil {
		t.Fatal(err)
	}
	name := "Starter"
	if _, _, err := db.UpdateTier(ada, controlplane.TierEdit{ID: tier.ID, Name: &name}); err != nil {
		t.Fatal(err)
	}
	mine := "Mine"
	_, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Revision: &tier.Revision, Name: &mine})
	wantFault(t, err, controlplane.CodeConflict, "revision")
	var fault *controlplane.Error
	if !errors.As(err, &fault) || fault.ChangedBy != "Ada" || fault.ChangedAt.IsZero() {
		t.Fatalf("got %+v, want who was the last to change it, and when", fault)
	}
	got := map[string]string{}
	for _, c := range fault.Changed {
		got[c.Path] = string(c.Before) + " " + string(c.After)
	}
	delete(got, "versionId")
	want := map[string]string{"name": `"Basic" "Starter"`, "limits.per-minute.amount": "100 7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	first, err := db.Retention(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seven, longer := 7, 400
	if _, err := db.SetRetention(ada, controlplane.RetentionEdit{Minutes: &seven}); err != nil {
		t.Fatal(err)
	}
	_, err = db.SetRetention(t.Context(), controlplane.RetentionEdit{Revision: &first.Revision, Minutes: &longer})
	if !errors.As(err, &fault) || fault.Revision != first.Revision+1 || len(fault.Changed) != 1 || fault.Changed[0].Path != "minutes" {
		t.Errorf("got %+v, want that the minutes changed", fault)
	}
}
