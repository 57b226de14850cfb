package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

func retentionDays(t *testing.T, db *postgres.DB) controlplane.RetentionDays {
	t.Helper()
	r, err := db.Retention(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.Days()
}

func retentionEdit(minutes, hours, days, months int) controlplane.RetentionEdit {
	return controlplane.RetentionEdit{Minutes: &minutes, Hours: &hours, Days: &days, Months: &months}
}

func TestRetentionIsSetAndChecked(t *testing.T) {
	db := open(t)
	if got, want := retentionDays(t, db), (controlplane.RetentionDays{Minutes: 30, Hours: 365}); got != want {
		t.Errorf("at first %+v, want %+v", got, want)
	}
	first, err := db.Retention(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seven, longer := 7, 400
	after, err := db.SetRetention(t.Context(), controlplane.RetentionEdit{Revision: &first.Revision, Minutes: &seven, Days: &longer})
	want := controlplane.RetentionDays{Minutes: 7, Hours: 365, Days: 400}
	if err != nil || after.Days() != want || after.Revision != first.Revision+1 || retentionDays(t, db) != want {
		t.Errorf("got %+v, %v; want %+v", after, err, want)
	}
	_, err = db.SetRetention(t.Context(), controlplane.RetentionEdit{Revision: &first.Revision, Minutes: &longer})
	wantFault(t, err, controlplane.CodeConflict, "revision")
	for field, e := range map[string]controlplane.RetentionEdit{
		"minutes": retentionEdit(-1, 0, 0, 0), "hours": retentionEdit(30, 29, 0, 0), "days": retentionEdit(1, 0, 5, 0), "months": retentionEdit(1, 1, 1, 36_501),
	} {
		_, err := db.SetRetention(t.Context(), e)
		wantFault(t, err, controlplane.CodeValidation, field)
		_, err = db.PlanRetention(t.Context(), e, time.Now())
		wantFault(t, err, controlplane.CodeValidation, field)
	}
	if got := retentionDays(t, db); got != want {
		t.Errorf("refused edits left %+v, want %+v", got, want)
	}
}

// What a plan says is what the next sweep drops.
func TestRetentionIsPlannedAsItIsDropped(t *testing.T) {
	db, conn := openBoth(t)
	now := time.Now().UTC()
	day := func(back int) time.Time { return now.AddDate(0, 0, -back).Truncate(24 * time.Hour) }
	commit(t, db, minuteBatch(1, 1, now), minuteBatch(1, 2, day(10)), minuteBatch(1, 3, day(12)))
	if _, err := conn.Exec(t.Context(), `vacuum analyze`); err != nil {
		t.Fatal(err)
	}
	edit := retentionEdit(10, 365, 0, 0)
	plan, err := db.PlanRetention(t.Context(), edit, now)
	if err != nil {
		t.Fatal(err)
	}
	if drop := plan[0].Drop; drop == nil || !drop.From.Equal(day(12)) || !drop.Until.Equal(day(11)) || drop.Rows != 1 || drop.Bytes == 0 {
		t.Fatalf("of minutes %+v; want the day 12 days ago", drop)
	}
	if next := plan[0].NextDropAt; next == nil || !next.Equal(day(10).AddDate(0, 0, 11)) {
		t.Errorf("the day after that goes at %v, want %v", next, day(10).AddDate(0, 0, 11))
	}
	if plan[1].Drop != nil || plan[1].NextDropAt == nil || plan[2].NextDropAt != nil {
		t.Errorf("of hours and days %+v, %+v; want to drop nothing, and hours later", plan[1], plan[2])
	}
	wantTotals(t, conn, map[string]int64{"minute": 3, "hour": 3})
	if _, err := db.SetRetention(t.Context(), edit); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DropExpired(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	wantTotals(t, conn, map[string]int64{"minute": 2, "hour": 3})
	r, err := db.Retention(t.Context())
	if err != nil || r.Levels[0].StoredFrom == nil || !r.Levels[0].StoredFrom.Equal(day(10)) || !r.Levels[0].KeptFrom.Equal(day(10)) {
		t.Errorf("after it %+v, %v", r.Levels[0], err)
	}
}

func TestPlanRetention(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
	stored := []controlplane.StoredUsage{
		{Range: controlplane.Range{From: at(1), To: at(2)}, Rows: 1, Bytes: 10},
		{Range: controlplane.Range{From: at(2), To: at(3)}, Rows: 2, Bytes: 20},
		{Range: controlplane.Range{From: at(3), To: at(4)}, Rows: 4, Bytes: 40},
	}
	until := func(day int) *time.Time { t := at(day); return &t }
	for name, tc := range map[string]struct {
		days int
		now  time.Time
		want controlplane.PlannedRetention
	}{
		"for ever":        {0, at(30), controlplane.PlannedRetention{}},
		"nothing yet":     {2, at(3), controlplane.PlannedRetention{Days: 2, NextDropAt: until(4)}},
		"at the very end": {2, at(4), controlplane.PlannedRetention{Days: 2, Drop: &controlplane.RetentionDrop{From: at(1), Until: at(2), Rows: 1, Bytes: 10}, NextDropAt: until(5)}},
		"two":             {1, at(4).Add(time.Hour), controlplane.PlannedRetention{Days: 1, Drop: &controlplane.RetentionDrop{From: at(1), Until: at(3), Rows: 3, Bytes: 30}, NextDropAt: until(5)}},
		"all":             {1, at(9), controlplane.PlannedRetention{Days: 1, Drop: &controlplane.RetentionDrop{From: at(1), Until: at(4), Rows: 7, Bytes: 70}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, controlplane.PlanRetention(controlplane.ByMinute, tc.days, stored, tc.now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
