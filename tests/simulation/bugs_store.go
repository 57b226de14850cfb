package simulation

import (
	"maps"
	"slices"

	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// storeBugs are in the transaction.
var storeBugs = []bug{
	{"copies are recognised for a while only", 100, func(p *parts) {
		seen := map[batchID]int64{}
		p.claim = remembered(seen, func(s *store, at int64) bool { return s.path.now-at < 5*second })
	}},
	{"copies are recognised until a worker starts again", 200, func(p *parts) {
		seen := map[batchID]int64{}
		p.claim = remembered(seen, func(*store, int64) bool { return true })
		p.round = func(_ *path, w *rollup.Worker) doRound {
			clear(seen)
			return w.Round
		}
	}},
	{"identities and counts are two transactions", 100, func(p *parts) {
		p.add = func(s *store, fresh []*wire.Batch, terms usage.Terms) {
			if !s.path.chance(s.path.plan.refuse) {
				s.add(fresh, terms)
			}
		}
	}},
	{"counts and identities are two transactions", 100, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			before := copyOf(s.sources)
			fresh := s.claim(begin, batches)
			if s.path.chance(s.path.plan.refuse) {
				s.sources = before
			}
			return fresh
		}
	}},
	{"a batch out of order is known but not counted", 50, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			return slices.DeleteFunc(s.claim(begin, batches), func(b *wire.Batch) bool { return b.Sequence > s.through(b.Source) })
		}
	}},
	{"a batch out of order is counted but not known", 100, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			fresh := s.claim(begin, batches)
			for _, row := range s.sources {
				row.ahead = nil
			}
			return fresh
		}
	}},
	{"a batch out of order stands for all before it", 50, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			fresh := s.claim(begin, batches)
			for _, row := range s.sources {
				if n := len(row.ahead); n > 0 {
					row.committed, row.ahead = row.ahead[n-1], nil
				}
			}
			return fresh
		}
	}},
	{"two workers commit what both have read", 300, func(p *parts) {
		p.begin = func(s *store, _ []*wire.Batch) any { return copyOf(s.sources) }
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			now := s.sources
			s.sources = begin.(map[wire.SourceID]*sourceRow)
			fresh := s.claim(nil, batches)
			for _, b := range batches {
				now[b.Source] = s.sources[b.Source]
			}
			s.sources = now
			return fresh
		}
	}},
	{"a failover is never got over", 300, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) (fresh []*wire.Batch) {
			for _, b := range batches {
				if row := s.sources[b.Source]; row != nil && b.Sequence > row.committed+wire.MaxFrozen {
					continue // it can't be, so it isn't taken
				}
				fresh = append(fresh, s.claim(begin, []*wire.Batch{b})...)
			}
			return fresh
		}
	}},
	{"what a failover took is not said", 300, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			fresh := s.claim(begin, batches)
			for _, row := range s.sources {
				row.lost = 0
			}
			return fresh
		}
	}},
	{"heartbeats don't tell what was counted", 100, func(p *parts) { p.see = func(*store, *wire.Batch) {} }},
	{"what was counted is what was heard last", 100, func(p *parts) {
		p.see = func(s *store, message *wire.Batch) { s.row(message.Source).counted = message.Counted }
	}},
	{"copies are added to what a source has in the rollups", 20, func(p *parts) {
		p.claim = func(s *store, begin any, batches []*wire.Batch) []*wire.Batch {
			fresh := s.claim(begin, batches)
			for _, b := range batches {
				if !slices.Contains(fresh, b) {
					s.row(b.Source).requests += requestsOf(b)
				}
			}
			return fresh
		}
	}},
	{"a row is set instead of added to", 20, func(p *parts) {
		p.add = func(s *store, fresh []*wire.Batch, terms usage.Terms) {
			for l, rows := range usage.Fold(fresh, terms).Usage {
				for _, r := range rows {
					delete(s.rows, rowKey{usage.Level(l), r.EntryKey})
				}
			}
			s.add(fresh, terms)
		}
	}},
	{"latencies are lost when rows merge", 20, func(p *parts) {
		p.add = func(s *store, fresh []*wire.Batch, terms usage.Terms) {
			before := map[rowKey]wire.Histogram{}
			for k, e := range s.rows {
				before[k] = e.latency
			}
			s.add(fresh, terms)
			for k, h := range before {
				s.rows[k].latency = h
			}
		}
	}},
}

// remembered claims batches by a memory of its own.
func remembered(seen map[batchID]int64, known func(s *store, at int64) bool) func(*store, any, []*wire.Batch) []*wire.Batch {
	return func(s *store, begin any, batches []*wire.Batch) (fresh []*wire.Batch) {
		s.claim(begin, batches)
		for _, b := range batches {
			id := batchID{b.Source, b.Sequence}
			if at, ok := seen[id]; !ok || !known(s, at) {
				fresh = append(fresh, b)
			}
			seen[id] = s.path.now
		}
		return fresh
	}
}

func copyOf(sources map[wire.SourceID]*sourceRow) map[wire.SourceID]*sourceRow {
	c := maps.Clone(sources)
	for id, row := range c {
		copied := *row
		copied.ahead = slices.Clone(row.ahead)
		c[id] = &copied
	}
	return c
}
