package limit

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

const (
	maxSimulated = 4
	queued       = 128 // events wait so long for what is given back of them
)

func numberFromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestExactOverGeneratedOperations runs WEIR_EXACT_OPS generated operations, 2
// million if not set, over all kinds, modes and measures: requests, settlements,
// leases, edits, stale snapshots, resets, clocks that step back. It checks the
// guarantees as it goes. WEIR_EXACT_SEED picks other ones.
func TestExactOverGeneratedOperations(t *testing.T) {
	ops := numberFromEnv(t, "WEIR_EXACT_OPS", 2_000_000)
	seed := numberFromEnv(t, "WEIR_EXACT_SEED", 1)
	rng := rand.New(rand.NewPCG(seed, 0))
	totals := simulation{}
	for totals.ops < ops {
		s := newSimulation(rng)
		for range 4000 {
			s.step()
		}
		s.drain()
		totals.add(s)
	}
	fmt.Printf("exact: %d operations, %d admitted, %d denied, %d over, %d shadowed, %d given back, %d edits, %d resets, %d violations\n",
		totals.ops, totals.admitted, totals.denied, totals.over, totals.shadowed, totals.refunds, totals.edits, totals.resets, len(totals.violations))
	for _, v := range totals.violations[:min(10, len(totals.violations))] {
		t.Error(v)
	}
	for what, n := range map[string]uint64{"admitted": totals.admitted, "denied": totals.denied, "over": totals.over,
		"shadowed": totals.shadowed, "given back": totals.refunds, "edits": totals.edits, "resets": totals.resets} {
		if n == 0 {
			t.Errorf("nothing was %s: the operations prove nothing", what)
		}
	}
}

// simulation is one subject and what was done to it.
type simulation struct {
	rng      *rand.Rand
	rules    []Rule
	old      []Rule // of the version before
	checkers map[uint64]*checker
	state    []byte
	spare    []byte
	levels   []Level
	held     []Holding
	version  uint64
	epoch    uint32
	now      int64
	latest   int64 // the latest now
	wall     int64
	lastID   uint64
	queue    [queued]event
	first    uint64 // number of the first event that waits
	next     uint64
	open     []stream

	ops, admitted, denied, over, shadowed, refunds, edits, resets uint64
	violations                                                    []string
}

// stream is a request that was admitted and has not ended.
type stream struct {
	event    uint64
	version  uint64
	rules    []Rule
	epoch    uint32
	at, wall int64
	applies  uint64
	over     uint64
	shadowed uint64
	take     [Measures]uint64
	lease    [maxSimulated]int64 // start of the lease charged
}

func (s *simulation) add(o *simulation) {
	s.ops += o.ops
	s.admitted += o.admitted
	s.denied += o.denied
	s.over += o.over
	s.shadowed += o.shadowed
	s.refunds += o.refunds
	s.edits += o.edits
	s.resets += o.resets
	s.violations = append(s.violations, o.violations...)
}

func (s *simulation) violated(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...)+fmt.Sprintf(" (rules %+v, operation %d)", s.rules, s.ops))
}

func newSimulation(rng *rand.Rand) *simulation {
	s := &simulation{rng: rng, checkers: map[uint64]*checker{}, version: 1,
		state: make([]byte, 0, MaxStateBytes), spare: make([]byte, 0, MaxStateBytes), levels: make([]Level, 0, MaxRules)}
	s.now, s.wall = rng.Int64N(1<<40), 1_000_000+rng.Int64N(1000)
	for range 1 + rng.IntN(maxSimulated) {
		s.rules = append(s.rules, s.newRule())
	}
	s.old = s.rules
	s.state, _ = Seed(s.state, s.version, 0, s.now, s.rules, 0)
	for _, r := range s.rules {
		s.checkers[r.ID] = newChecker(r, s.now)
	}
	return s
}

func (s *simulation) newRule() Rule {
	s.lastID++
	r := Rule{ID: s.lastID, Kind: Kind(s.rng.IntN(3)), Measure: Measure(s.rng.IntN(3)), Refund: s.rng.IntN(2) == 0}
	if s.rng.IntN(2) == 0 {
		r.Mode = Mode(1 + s.rng.IntN(2))
	}
	if r.Mode == Soft {
		r.GracePercent = uint32(s.rng.IntN(3) * 15)
		r.GraceSeconds = uint32(s.rng.IntN(3) / 2 * (1 + s.rng.IntN(100)))
	}
	return s.resized(r)
}

// resized is r with other numbers.
func (s *simulation) resized(r Rule) Rule {
	r.Amount = uint64(1 + s.rng.IntN(40))
	if s.rng.IntN(3) == 0 {
		r.Amount *= 20
	}
	r.Burst = uint64(1 + s.rng.IntN(30))
	r.PeriodSeconds = []uint32{1, 2, 7, 60}[s.rng.IntN(4)]
	return r.canonical()
}

func (s *simulation) tick() {
	switch s.rng.IntN(64) {
	case 0:
		s.now += s.rng.Int64N(70 * nanosPerSecond)
	case 1:
		s.now -= s.rng.Int64N(nanosPerSecond)
	case 2:
		s.wall += s.rng.Int64N(400) - 150
	case 3, 4, 5, 6:
	default:
		s.now += s.rng.Int64N(1 << (10 + s.rng.IntN(22)))
	}
	s.wall += int64(s.rng.IntN(40) / 39)
}

func (s *simulation) step() {
	s.ops++
	s.tick()
	s.latest = max(s.latest, s.now)
	switch n := s.rng.IntN(1000); {
	case n < 10:
		s.edit()
	case n < 11:
		s.epoch++
		s.resets++
		for _, r := range s.rules {
			s.checkers[r.ID] = newChecker(r, s.now)
		}
		s.decide(s.version, s.rules) // the reset is known with its first request
	case n < 40:
		s.grant()
	case n < 250 && len(s.open) > 0:
		s.settle(s.rng.IntN(len(s.open)))
	case n < 280:
		s.decide(s.version-1, s.old)
	default:
		s.decide(s.version, s.rules)
	}
}

func (s *simulation) push(e event) uint64 {
	if s.next-s.first == queued {
		s.pop()
	}
	s.queue[s.next%queued] = e
	s.next++
	return s.next - 1
}

func (s *simulation) pop() {
	if broken := s.queue[s.first%queued].apply(); broken != nil {
		s.violated("limit %+v admitted more than it guarantees", broken.rule)
	}
	s.first++
}

func (s *simulation) drain() {
	for s.first < s.next {
		s.pop()
	}
}

// tellClocks has the checkers follow the limits' own clocks, which only
// requests that were stored move, and never beyond what has been read.
func (s *simulation) tellClocks(state []byte) {
	for i := range s.rules {
		c := s.checkers[s.rules[i].ID]
		at, _, _ := findSlot(state, len(s.rules), c.rule.ID)
		if at == 0 || c.rule.Kind == Quota {
			continue
		}
		clock := min(getInt(state, at+atLast), s.latest)
		s.push(event{kind: ticked, at: clock, limits: [maxSimulated]*checker{c}})
	}
}

// edit makes a new version: another number, another rule, or a rule less.
func (s *simulation) edit() {
	s.edits++
	s.old = s.rules
	s.rules = append([]Rule(nil), s.rules...)
	s.version++
	i := s.rng.IntN(len(s.rules))
	r := s.rules[i]
	switch s.rng.IntN(6) {
	case 0: // the limit goes and another comes
		s.rules[i] = s.newRule()
		s.checkers[s.rules[i].ID] = newChecker(s.rules[i], s.now)
	case 1: // another kind, measure, mode or grace
		n := s.newRule()
		n.ID = r.ID
		if n.Kind == r.Kind && n.Measure == r.Measure && n.Mode == r.Mode {
			n.GracePercent, n.GraceSeconds = r.GracePercent, r.GraceSeconds
			n.Kind = (n.Kind + 1) % 3
			n = s.resized(n)
		}
		s.rules[i] = n
		c := newChecker(n, s.now)
		if r.Kind == n.Kind && r.Measure == n.Measure { // a quota keeps its lease
			c.granted, c.used = s.checkers[r.ID].granted, s.checkers[r.ID].used
		}
		s.checkers[r.ID] = c
	default:
		s.rules[i] = s.resized(r)
		s.push(event{kind: edited, at: s.now, rule: s.rules[i], limits: [maxSimulated]*checker{s.checkers[r.ID]}})
	}
	s.decide(s.version, s.rules) // the edit is in force with its first request
}
