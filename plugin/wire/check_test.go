package wire

import (
	"errors"
	"strings"
	"testing"
)

func TestEncodeBatchNamesTheField(t *testing.T) {
	tests := map[string]func(b *Batch){
		"source":                    func(b *Batch) { b.Source = SourceID{} },
		"sequence: 0 with entries":  func(b *Batch) { b.Sequence = 0 },
		"sequence: 9223":            func(b *Batch) { b.Sequence = MaxNumber + 1 },
		"snapshot":                  func(b *Batch) { b.Snapshot = MaxNumber + 1 },
		"sentMS":                    func(b *Batch) { b.SentMS = -1 },
		"beganMS":                   func(b *Batch) { b.BeganMS = MaxTimeMS + 1 },
		"counted: 9223":             func(b *Batch) { b.Counted = MaxNumber + 1 },
		"node: length":              func(b *Batch) { b.Node = strings.Repeat("n", MaxNodeBytes+1) },
		"node: a control character": func(b *Batch) { b.Node = "a\x00" },
		"node: not UTF-8":           func(b *Batch) { b.Node = "a\xff" },
		"entries: 65537":            func(b *Batch) { b.Entries = make([]Entry, MaxBatchEntries+1) },
		"levels: 65537":             func(b *Batch) { b.Levels = make([]Level, MaxBatchLevels+1) },
		"entries[1].minute":         func(b *Batch) { b.Entries[1].Minute = -1 },
		"entries[1].account":        func(b *Batch) { b.Entries[1].Account = MaxNumber + 1 },
		"entries[1].key":            func(b *Batch) { b.Entries[1].Key = MaxNumber + 1 },
		"entries[1].endpoint":       func(b *Batch) { b.Entries[1].Endpoint = MaxNumber + 1 },
		"entries[1].tier":           func(b *Batch) { b.Entries[1].Tier = MaxNumber + 1 },
		"entries[1].shadowed: 4":    func(b *Batch) { b.Entries[1].Shadowed = 4 },
		"entries[1].status: 99":     func(b *Batch) { b.Entries[1].Status = 99 },
		"entries[1].status: 600":    func(b *Batch) { b.Entries[1].Status = 600 },
		"entries[1].decision: 0":    func(b *Batch) { b.Entries[1].Decision = 0 },
		"entries[1].decision: 6":    func(b *Batch) { b.Entries[1].Decision = 6 },
		"entries[1].requests: 0":    func(b *Batch) { b.Entries[1].Requests = 0 },
		"entries[1].latency: more":  func(b *Batch) { b.Entries[1].Requests = 2 },
		"entries[1].latency: a":     func(b *Batch) { b.Entries[1].Latency[0].Count = 0 },
		"entries[1].latency: not":   func(b *Batch) { b.Entries[1].Latency[1].Index = 1 },
		"entries[1].latency index":  func(b *Batch) { b.Entries[1].Latency[1].Index = 484 },
		"entries[2]: not after":     func(b *Batch) { b.Entries[2].EntryKey = b.Entries[1].EntryKey },
		"entries[1]: a count":       func(b *Batch) { b.Entries[1].BytesIn = MaxBatchTotal - 10 },
		"entries[0]: a count":       func(b *Batch) { b.Entries[0].Cost = 1<<64 - 1 },
		"levels[1].account: 0":      func(b *Batch) { b.Levels[1].Account = 0 },
		"levels[1].limit: 0":        func(b *Batch) { b.Levels[1].Limit = 0 },
		"levels[1].key":             func(b *Batch) { b.Levels[1].Key = MaxNumber + 1 },
		"levels[1].remaining":       func(b *Batch) { b.Levels[1].Remaining = MaxAmount + 1 },
		"levels[1].atMS":            func(b *Batch) { b.Levels[1].AtMS = MaxTimeMS + 1 },
		"levels[1]: not after":      func(b *Batch) { b.Levels[1] = b.Levels[0] },
		"levels[2]: not after":      func(b *Batch) { b.Levels[2].Key = 20 },

		"sequence: 0 with entries, meters":         func(b *Batch) { b.Sequence, b.Entries, b.Levels, b.Verdicts, b.Denials = 0, nil, nil, nil, nil },
		"sequence: 0 with entries, meters, levels": func(b *Batch) { *b = Batch{Source: source, Unmatched: b.Unmatched} },
		"sequence: 0 with":                         func(b *Batch) { b.Sequence, b.Entries, b.Levels, b.Verdicts, b.Meters = 0, nil, nil, nil, nil },
		"meters: 16385":                            func(b *Batch) { b.Meters = make([]MeterEntry, MaxBatchMeters+1) },
		"meters[1].minute":                         func(b *Batch) { b.Meters[1].Minute = -1 },
		"meters[1].account":                        func(b *Batch) { b.Meters[1].Account = MaxNumber + 1 },
		"meters[1].key":                            func(b *Batch) { b.Meters[1].Key = MaxNumber + 1 },
		"meters[1].endpoint":                       func(b *Batch) { b.Meters[1].Endpoint = MaxNumber + 1 },
		"meters[1].tier":                           func(b *Batch) { b.Meters[1].Tier = MaxNumber + 1 },
		"meters[1].meter: 0":                       func(b *Batch) { b.Meters[1].Meter = 0 },
		"meters[1].requests: 0":                    func(b *Batch) { b.Meters[1].Requests = 0 },
		"meters[1]: not after":                     func(b *Batch) { b.Meters[1] = b.Meters[0] },
		"meters[2]: not after":                     func(b *Batch) { b.Meters[2].Meter = 1 },
		"meters[2]: a count":                       func(b *Batch) { b.Meters[2].Amount = MaxBatchTotal },
		"meters[1]: a count":                       func(b *Batch) { b.Meters[1].Requests = 1<<64 - 1 },
		"verdicts: 16385":                          func(b *Batch) { b.Verdicts = make([]VerdictEntry, MaxBatchVerdicts+1) },
		"verdicts[1].minute":                       func(b *Batch) { b.Verdicts[1].Minute = -1 },
		"verdicts[1].account":                      func(b *Batch) { b.Verdicts[1].Account = MaxNumber + 1 },
		"verdicts[1].limit: 0":                     func(b *Batch) { b.Verdicts[1].Limit = 0 },
		"verdicts[1].verdict: 0":                   func(b *Batch) { b.Verdicts[1].Verdict = 0 },
		"verdicts[1].verdict: 5":                   func(b *Batch) { b.Verdicts[1].Verdict = 5 },
		"verdicts[1].requests: 0":                  func(b *Batch) { b.Verdicts[1].Requests = 0 },
		"verdicts[1]: not after":                   func(b *Batch) { b.Verdicts[1] = b.Verdicts[0] },
		"verdicts[2]: not after":                   func(b *Batch) { b.Verdicts[2] = b.Verdicts[1] },
		"verdicts[3]: a count":                     func(b *Batch) { b.Verdicts[3].Amount = MaxBatchTotal },
		"verdicts[1]: a count":                     func(b *Batch) { b.Verdicts[1].Requests = 1<<64 - 1 },
		"denials: 257":                             func(b *Batch) { b.Denials = make([]Denial, MaxBatchDenials+1) },
		"denials[0].atMS":                          func(b *Batch) { b.Denials[0].AtMS = -1 },
		"denials[0].account":                       func(b *Batch) { b.Denials[0].Account = MaxNumber + 1 },
		"denials[0].key":                           func(b *Batch) { b.Denials[0].Key = MaxNumber + 1 },
		"denials[0].endpoint":                      func(b *Batch) { b.Denials[0].Endpoint = MaxNumber + 1 },
		"denials[0].limit: 9":                      func(b *Batch) { b.Denials[0].Limit = MaxNumber + 1 },
		"denials[1].limit: a request":              func(b *Batch) { b.Denials[1].Limit = 1 },
		"denials[0].decision: 1":                   func(b *Batch) { b.Denials[0].Decision = Allowed },
		"denials[0].decision: 6":                   func(b *Batch) { b.Denials[0].Decision = 6 },
		"denials[0].retryAfterMS":                  func(b *Batch) { b.Denials[0].RetryAfterMS = MaxTimeMS + 1 },
		"denials[0].requestID: length":             func(b *Batch) { b.Denials[0].RequestID = "" },
		"denials[0].requestID: not UTF-8":          func(b *Batch) { b.Denials[0].RequestID = "\xff" },
		"denials[0].method: length":                func(b *Batch) { b.Denials[0].Method = strings.Repeat("M", MaxMethodBytes+1) },
		"denials[0].path: length":                  func(b *Batch) { b.Denials[0].Path = strings.Repeat("p", MaxDenialPathBytes+1) },
		"denials[0].path: a control":               func(b *Batch) { b.Denials[0].Path = "/\x1b[2J" },
		"denials[0].levels: 33":                    func(b *Batch) { b.Denials[0].Levels = make([]DenialLevel, MaxDenialLevels+1) },
		"denials[0].levels[1].limit":               func(b *Batch) { b.Denials[0].Levels[1].Limit = 0 },
		"denials[0].levels[1].remaining":           func(b *Batch) { b.Denials[0].Levels[1].Remaining = MaxAmount + 1 },
		"denials[0].levels[1].amount":              func(b *Batch) { b.Denials[0].Levels[1].Amount = MaxAmount + 1 },
		"unmatched: 9":                             func(b *Batch) { b.Unmatched = make([]Unmatched, MaxBatchUnmatched+1) },
		"unmatched[0].method: length":              func(b *Batch) { b.Unmatched[0].Method = "" },
		"unmatched[1].method: length":              func(b *Batch) { b.Unmatched[1].Method = strings.Repeat("M", MaxMethodBytes+1) },
		"unmatched[2].method: not upper":           func(b *Batch) { b.Unmatched[2].Method = "get" },
		"unmatched[0].path: length":                func(b *Batch) { b.Unmatched[0].Path = "" },
		"unmatched[1].path: length":                func(b *Batch) { b.Unmatched[1].Path = strings.Repeat("/", MaxUnmatchedPathBytes+1) },
		"unmatched[0].path: it has to":             func(b *Batch) { b.Unmatched[0].Path = "v1" },
		"unmatched[1].path: it has to":             func(b *Batch) { b.Unmatched[1].Path = "/v1?key=secret" },
		"unmatched[2].path: it has to":             func(b *Batch) { b.Unmatched[2].Path = "/v1/ä" },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			b := sampleBatch()
			change(b)
			_, err := EncodeBatch(nil, b)
			if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
