package controlplane_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
)

func TestStatusesOfAnAccount(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	trial := &controlplane.Trial{EndsAt: now.Add(time.Hour), Then: controlplane.TrialActivates}
	may := map[controlplane.AccountStatus]string{
		controlplane.AccountTrial: "trial active suspended closed", controlplane.AccountActive: "trial active suspended closed",
		controlplane.AccountSuspended: "trial active suspended closed", controlplane.AccountClosed: "suspended",
	}
	for _, from := range controlplane.AccountStatuses() {
		for _, to := range controlplane.AccountStatuses() {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				was := controlplane.Account{ID: 1, Status: from, Trial: trial, ClosedAt: &now}
				edit := controlplane.AccountEdit{ID: 1, Status: to}
				if to == controlplane.AccountTrial && from != controlplane.AccountClosed {
					edit.Trial = trial
				}
				got, err := edit.Apply(was, now)
				allowed := slices.Contains(strings.Fields(may[from]), string(to))
				if allowed != (err == nil) {
					t.Fatalf("it fails with %v", err)
				}
				if !allowed {
					if faults := controlplane.Faults(err); len(faults) != 1 || faults[0].Code != controlplane.CodeConflict {
						t.Errorf("it fails with %v", err)
					}
					return
				}
				if got.Status != to || (got.Trial != nil) != (to == controlplane.AccountTrial) {
					t.Errorf("it is %+v", got)
				}
				if to == controlplane.AccountClosed && !got.ClosedAt.Equal(now) || to != controlplane.AccountClosed && to != from && got.ClosedAt != nil {
					t.Errorf("it was closed at %v", got.ClosedAt)
				}
			})
		}
	}
}

func TestAnEditOfAnAccount(t *testing.T) {
	now := time.Now()
	name := "Birch"
	was := controlplane.Account{Status: controlplane.AccountActive, Labels: controlplane.Labels{"env": "prod", "team": "a"}}
	t.Run("changes labels one by one, or all", func(t *testing.T) {
		got, err := controlplane.AccountEdit{AddLabels: controlplane.Labels{"team": "b", "new": ""}, RemoveLabels: []string{"env"}}.Apply(was, now)
		if err != nil || fmt.Sprint(got.Labels) != "map[new: team:b]" || len(was.Labels) != 2 {
			t.Errorf("%v, %v", got.Labels, err)
		}
		got, err = controlplane.AccountEdit{Labels: &controlplane.Labels{"x": "y"}}.Apply(was, now)
		if err != nil || fmt.Sprint(got.Labels) != "map[x:y]" {
			t.Errorf("%v, %v", got.Labels, err)
		}
	})
	t.Run("can't leave more labels than there may be", func(t *testing.T) {
		many := controlplane.Labels{}
		for i := range controlplane.MaxLabels - 1 {
			many[fmt.Sprint("label", i)] = ""
		}
		_, err := controlplane.AccountEdit{AddLabels: many}.Apply(was, now)
		wantFault(t, err, "addLabels")
	})
	t.Run("of a closed one only reopens it", func(t *testing.T) {
		closed := controlplane.Account{Status: controlplane.AccountClosed, ClosedAt: &now}
		_, err := controlplane.AccountEdit{Status: controlplane.AccountSuspended, Name: &name}.Apply(closed, now)
		if err == nil {
			t.Error("it is renamed as well")
		}
		got, err := controlplane.AccountEdit{Status: controlplane.AccountSuspended}.Apply(closed, now)
		if err != nil || got.Status != controlplane.AccountSuspended || got.ClosedAt != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("needs a trial with status TRIAL, and takes none with another", func(t *testing.T) {
		_, err := controlplane.AccountEdit{Status: controlplane.AccountTrial}.Apply(was, now)
		wantFault(t, err, "trial")
		_, err = controlplane.AccountEdit{Trial: &controlplane.Trial{EndsAt: now}}.Apply(was, now)
		wantFault(t, err, "trial")
	})
}

func TestMistakesInAccountsAreTold(t *testing.T) {
	now := time.Now()
	long := strings.Repeat("x", 200)
	for field, err := range map[string]error{
		"labels":       controlplane.Labels{"a b": ""}.Validate("labels"),
		"long":         controlplane.Labels{long: ""}.Validate("long"),
		"value":        controlplane.Labels{"a": long}.Validate("value"),
		"control":      controlplane.Labels{"a": "b\nc"}.Validate("control"),
		"name":         controlplane.ValidateMemberName(new("Ada \u2066Lovelace")),
		"joiners":      controlplane.ValidateManager("joiners", new("\u200d")),
		"direction":    controlplane.Labels{"a": "b\u202ec"}.Validate("direction"),
		"invisible":    controlplane.Labels{"a": "b\u00adc"}.Validate("invisible"),
		"status":       controlplane.AccountEdit{Status: "gone"}.Validate(now),
		"trial.endsAt": controlplane.Trial{EndsAt: now, Then: controlplane.TrialSuspends}.Validate(now),
		"trial.then":   controlplane.Trial{EndsAt: now.Add(time.Hour)}.Validate(now),
		"trial.tierId": controlplane.Trial{EndsAt: now.Add(time.Hour), Then: controlplane.TrialSuspends, TierID: 1}.Validate(now),
		"text":         controlplane.AccountFilter{Text: "1 2 3 4 5 6 7 8 9"}.Validate(),
		"labels.0":     controlplane.AccountFilter{Labels: []controlplane.LabelFilter{{Key: "-"}}}.Validate(),
	} {
		wantFault(t, err, field)
	}
	if err := (controlplane.Labels{"example.com/team_1-a": "Zoë & Co \u0645\u06cc\u200c\u062e \u0600 \U0001f468\u200d\U0001f33e\ufe0f", "a": ""}).Validate("labels"); err != nil {
		t.Error(err)
	}
}
