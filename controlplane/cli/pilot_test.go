package cli_test

import (
	"strings"
	"testing"
)

func TestPilotsOnTheCommandLine(t *testing.T) {
	p := open(t)
	for _, name := range []string{"Birch", "Oak"} {
		p.must("accounts", "create", name, "--tier", "Default")
	}
	p.refused(1, `the tier "Default" has no pilot; weir pilot start begins one`, "pilot", "show", "Default")
	p.refused(1, `there is no tier "Gold"`, "pilot", "start", "Gold", "--name", "x", "--percent", "5")
	p.refused(1, `the tier has no limit "hourly"`, "pilot", "start", "Default", "--name", "x", "--percent", "5", "--set", "hourly=5")
	p.refused(1, "draft of this tier", "pilot", "start", "Default", "--name", "x", "--percent", "5")
	p.refused(1, "give a percentage of the accounts", "pilot", "start", "Default", "--name", "x", "--set", "per-minute=80")
	started := p.weir("pilot", "start", "Default", "--name", "80 a minute", "--account", "Birch", "--set", "per-minute=80")
	if started.Code != 0 || !strings.HasPrefix(started.Err, "the pilot runs from snapshot ") {
		t.Errorf("%+v", started)
	}
	p.refused(2, "give --percent, --account or --no-accounts", "pilot", "change", "Default")
	p.must("pilot", "change", "Default", "--account", "Birch", "--account", "Oak")
	shown := p.must("pilot", "show", "Default")
	p.must("pilot", "change", "Default", "--no-accounts", "--percent", "100")
	if got := p.must("pilot", "show", "Default", "-o", "json"); !strings.Contains(got, `"accountIds": []`) || !strings.Contains(got, `"percent": 100`) || !strings.Contains(got, `"accountCount": 2`) {
		t.Error(got)
	}
	p.must("pilot", "end", "Default")
	p.refused(1, "this pilot has ended", "pilot", "end", "Default")
	p.must("pilot", "start", "tier_1", "--name", "90 a minute", "--percent", "50", "--set", "per-minute=90")
	p.refused(2, "--every takes whole minutes", "pilot", "promote", "Default", "--move", "steps", "--steps", "50,100", "--every", "10s")
	promoted := p.weir("pilot", "promote", "Default", "--move", "steps", "--steps", "50,100", "--every", "1h")
	if promoted.Code != 0 || !strings.HasPrefix(promoted.Err, "the pilot is version 2 from snapshot ") {
		t.Errorf("%+v", promoted)
	}
	golden(t, "pilot.txt", shown+"\n"+p.must("pilot", "show", "Default"))
}
