package book

import "testing"

func TestAScopeHoldsForItsRequestsOnly(t *testing.T) {
	p := samplePolicy()
	p.Scopes = []Scope{
		{1, true, nil, nil}, {2, false, []uint64{4, 1}, nil}, {3, true, []uint64{2}, []uint64{60}}, {4, false, []uint64{99}, []uint64{98}},
	}
	p.Keys[3].Scope = 4
	c := coreOf(t, p)
	users, make, none := EndpointRef{ID: 1, Group: 60}, EndpointRef{ID: 2, Group: 61}, EndpointRef{}
	for name, tc := range map[string]struct {
		scope    uint16
		method   string
		endpoint EndpointRef
		in       bool
	}{
		"a read":                           {1, "GET", none, true},
		"a read by HEAD":                   {1, "HEAD", users, true},
		"a write, where reads only":        {1, "POST", make, false},
		"an endpoint":                      {2, "GET", users, true},
		"another endpoint":                 {2, "POST", make, false},
		"a path of no endpoint":            {2, "GET", none, false},
		"an endpoint in a group":           {3, "GET", users, true},
		"a write to an endpoint":           {3, "POST", make, false},
		"endpoints that aren't there":      {4, "GET", users, false},
		"a scope that isn't there":         {5, "GET", users, false},
		"no endpoint, for one that's gone": {4, "GET", none, false},
	} {
		t.Run(name, func(t *testing.T) {
			if in := c.InScope(tc.scope, tc.method, tc.endpoint); in != tc.in {
				t.Errorf("in scope: %v", in)
			}
		})
	}
	if n := testing.AllocsPerRun(100, func() { c.InScope(3, "GET", users) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAKeysTextTellsATypo(t *testing.T) {
	const random = "0123456789ABCDEFGHIJKLMNOPQRST"
	live := KeyText(LivePrefix, random)
	if want := "wk_live_0123456789ABCDEFGHIJKLMNOPQRST_3M9K89"; live != want {
		t.Errorf("its text is %s instead of %s: what was given out before would count as mistyped", live, want)
	}
	for name, tc := range map[string]struct {
		text     string
		mistyped bool
	}{
		"a live key":              {live, false},
		"a sandbox key":           {KeyText(SandboxPrefix, random), false},
		"another kind of key":     {"demo-basic", false},
		"nothing":                 {"", false},
		"a prefix alone":          {LivePrefix, true},
		"one that was cut off":    {live[:len(live)-1], true},
		"one with more to it":     {live + "x", true},
		"a letter that differs":   {live[:20] + "x" + live[21:], true},
		"two that are exchanged":  {live[:20] + live[21:22] + live[20:21] + live[22:], true},
		"the other environment's": {SandboxPrefix + live[len(LivePrefix):], true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Mistyped([]byte(tc.text)); got != tc.mistyped {
				t.Errorf("mistyped: %v", got)
			}
		})
	}
	text := []byte(live)
	if n := testing.AllocsPerRun(100, func() { Mistyped(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
