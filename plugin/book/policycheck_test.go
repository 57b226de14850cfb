package book

import (
	"errors"
	"strings"
	"testing"

	"github.com/weirhq/weir/plugin/wire"
)

func TestCompileNamesWhatIsWrong(t *testing.T) {
	limit := func(i int, change func(l *Limit)) func(p *Policy) {
		return func(p *Policy) { change(&p.Plans[0].Limits[i]) }
	}
	const month, rate, window, cost = 0, 1, 2, 3 // limits of plan 8
	tests := map[string]func(p *Policy){
		"version: 0":                           func(p *Policy) { p.Version = 0 },
		"groups: 10001":                        func(p *Policy) { p.Groups = make([]Group, MaxGroups+1) },
		"endpoints: 100001":                    func(p *Policy) { p.Endpoints = make([]Endpoint, MaxEndpoints+1) },
		"plans: 100001":                        func(p *Policy) { p.Plans = make([]Plan, MaxPlans+1) },
		"keys: 2000001":                        func(p *Policy) { p.Keys = make([]Key, MaxKeys+1) },
		"anonymous: there is no plan 5":        func(p *Policy) { p.Anonymous = 5 },
		"group: id: 0":                         func(p *Policy) { p.Groups[0].ID = 0 },
		"group 61: has the name of group 60":   func(p *Policy) { p.Groups[0].Name = p.Groups[1].Name },
		"group 61: name: length":               func(p *Policy) { p.Groups[0].Name = "" },
		"endpoint: id: 0":                      func(p *Policy) { p.Endpoints[0].ID = 0 },
		"endpoint 1: its id occurs twice":      func(p *Policy) { p.Endpoints[1].ID = 1 },
		"endpoint 1: method":                   func(p *Policy) { p.Endpoints[0].Method = "get" },
		"endpoint 1: cost: 0":                  func(p *Policy) { p.Endpoints[0].Cost = 0 },
		"endpoint 1: cost: 1000001":            func(p *Policy) { p.Endpoints[0].Cost = MaxCost + 1 },
		"endpoint 1: template: it has":         func(p *Policy) { p.Endpoints[0].Template = "v1" },
		"endpoint 1: template: an empty":       func(p *Policy) { p.Endpoints[0].Template = "/v1//x" },
		"endpoint 1: template: segment":        func(p *Policy) { p.Endpoints[0].Template = "/v1/{a}b" },
		"endpoint 1: template: segments":       func(p *Policy) { p.Endpoints[0].Template = strings.Repeat("/a", 33) },
		"endpoint 1: there is no group 5":      func(p *Policy) { p.Endpoints[0].Group = 5 },
		"endpoint 4: matches the same":         func(p *Policy) { p.Endpoints[3] = Endpoint{4, "GET", "/v1/users/{other}", 1, 0} },
		"plan: id":                             func(p *Policy) { p.Plans[0].ID = wire.MaxNumber + 1 },
		"plan 8: its id occurs twice":          func(p *Policy) { p.Plans[1].ID = 8 },
		"plan 8: has the name of plan 7":       func(p *Policy) { p.Plans[0].Name = p.Plans[1].Name },
		"plan 8: tier: 0":                      func(p *Policy) { p.Plans[0].Tier = 0 },
		"plan 8: name: length":                 func(p *Policy) { p.Plans[0].Name = "" },
		"plan 8: name: a control":              func(p *Policy) { p.Plans[0].Name = "a\r\nb" },
		"plan 8: limits: 33":                   func(p *Policy) { p.Plans[0].Limits = make([]Limit, 33) },
		"plan 8: limit 0: id":                  limit(rate, func(l *Limit) { l.ID = 0 }),
		"plan 8: limit 21: name: \"per min":    limit(rate, func(l *Limit) { l.Name = "per minute" }),
		"plan 8: limit 21: amount: 0":          limit(rate, func(l *Limit) { l.Amount = 0 }),
		"plan 8: limit 21: amount: 1000":       limit(rate, func(l *Limit) { l.Amount = wire.MaxAmount + 1 }),
		"plan 8: limit 21: burst: 0":           limit(rate, func(l *Limit) { l.Burst = 0 }),
		"plan 8: limit 22: burst: only":        limit(window, func(l *Limit) { l.Burst = 1 }),
		"plan 8: limit 21: period in seconds":  limit(rate, func(l *Limit) { l.PeriodSeconds = 86_401 }),
		"plan 8: limit 21: quota period: on":   limit(rate, func(l *Limit) { l.QuotaPeriod = Day }),
		"plan 8: limit 24: period in seconds":  limit(month, func(l *Limit) { l.PeriodSeconds = 1 }),
		"plan 8: limit 24: quota period: 0":    limit(month, func(l *Limit) { l.QuotaPeriod = 0 }),
		"plan 8: limit 24: quota period: 5":    limit(month, func(l *Limit) { l.QuotaPeriod = 5 }),
		"plan 8: limit 24: subject: an":        limit(month, func(l *Limit) { l.Subject = PerAddress }),
		"plan 8: limit 21: subject: 3":         limit(rate, func(l *Limit) { l.Subject = 3 }),
		"plan 8: limit 21: selector: 5":        limit(rate, func(l *Limit) { l.Selector = 5 }),
		"plan 8: limit 21: kind: 3":            limit(rate, func(l *Limit) { l.Kind = 3 }),
		"plan 8: limit 21: measure: 3":         limit(rate, func(l *Limit) { l.Measure = 3 }),
		"plan 8: limit 21: mode: 3":            limit(rate, func(l *Limit) { l.Mode = 3 }),
		"plan 8: limit 21: target: give":       limit(rate, func(l *Limit) { l.Target = 1 }),
		"plan 8: limit 23: target: give":       limit(cost, func(l *Limit) { l.Target = 0 }),
		"plan 8: limit 23: there is no group":  limit(cost, func(l *Limit) { l.Target = 1 }),
		"plan 8: limit 23: there is no end":    limit(cost, func(l *Limit) { l.Selector = OneEndpoint }),
		"plan 8: limit 21: grace: only":        limit(rate, func(l *Limit) { l.GraceSeconds = 1 }),
		"plan 8: limit 24: grace percent":      limit(month, func(l *Limit) { l.GracePercent = 1001 }),
		"plan 8: limit 24: grace seconds":      limit(month, func(l *Limit) { l.GraceSeconds = MaxGraceSeconds + 1 }),
		"plan 8: limit 24: adaptive: a quota":  limit(month, func(l *Limit) { l.Adaptive.ErrorPercent = 1 }),
		"plan 8: limit 21: adaptive: error p":  limit(rate, func(l *Limit) { l.Adaptive.ErrorPercent = 101 }),
		"plan 8: limit 21: adaptive: slow ms":  limit(rate, func(l *Limit) { l.Adaptive.SlowMS = MaxSlowMS + 1 }),
		"plan 8: limit 21: adaptive: slow p":   limit(rate, func(l *Limit) { l.Adaptive.SlowPercent = 101 }),
		"plan 8: limit 21: adaptive: give bo":  limit(rate, func(l *Limit) { l.Adaptive.SlowPercent = 0 }),
		"plan 8: limit 21: adaptive: give er":  limit(rate, func(l *Limit) { l.Adaptive = Adaptive{FloorPercent: 5} }),
		"plan 8: limit 21: adaptive: floor":    limit(rate, func(l *Limit) { l.Adaptive.FloorPercent = 100 }),
		"plan 7: limit 12: its id or its":      func(p *Policy) { p.Plans[1].Limits[1].Name = "per-minute" },
		"plan 7: limit 11: its id or its":      func(p *Policy) { p.Plans[1].Limits[1].ID = 11 },
		"meters: 33":                           func(p *Policy) { p.Meters = make([]Meter, MaxMeters+1) },
		"meter: id: 0":                         func(p *Policy) { p.Meters[0].ID = 0 },
		"meter 5: its id occurs twice":         func(p *Policy) { p.Meters[0].ID = 5 },
		"meter 6: there is no endpoint 77":     func(p *Policy) { p.Meters[0].Endpoint = 77 },
		"meter 6: header: length":              func(p *Policy) { p.Meters[0].Header = "" },
		"meter 6: header: length in bytes: 65": func(p *Policy) { p.Meters[0].Header = strings.Repeat("h", 65) },
		"meter 6: header: \":status":           func(p *Policy) { p.Meters[0].Header = ":status" },
		"meter 6: header: \"X-Rows":            func(p *Policy) { p.Meters[0].Header = "X-Rows" },
		"meter 6: header: content-length":      func(p *Policy) { p.Meters[0].Header = "content-length" },
		"meter 6: header: ratelimit-policy":    func(p *Policy) { p.Meters[0].Header = "ratelimit-policy" },
		"meter 6: header: weir-cost":           func(p *Policy) { p.Meters[0].Header = "weir-cost" },
		"key: id":                              func(p *Policy) { p.Keys[0].ID = 0 },
		"key 1003: its id occurs twice":        func(p *Policy) { p.Keys[1].ID = 1003 },
		"key 1003: has the digest":             func(p *Policy) { p.Keys[3].Digest, p.Keys[3].ID = p.Keys[2].Digest, 999 },
		"key 1001: account: 0":                 func(p *Policy) { p.Keys[0].Account = 0 },
		"key 1001: there is no plan 77":        func(p *Policy) { p.Keys[0].Plan = 77 },
		"key 1001: kind: 4":                    func(p *Policy) { p.Keys[0].Kind = 4 },
		"key 1001: expiresAt":                  func(p *Policy) { p.Keys[0].ExpiresAt = -1 },
		"key 1003: says another plan":          func(p *Policy) { p.Keys[2].Epoch = 1 },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			p := samplePolicy()
			change(&p)
			_, err := Compile(p, nil)
			if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
