package meter

import "github.com/weirhq/weir/plugin/wire"

// sums is elements that are found by their key and grow. They are a slice in the
// order in which they were first seen, so that what is taken first doesn't depend
// on a map's random order.
type sums[K comparable, E any] struct {
	index chains
	all   []E
	keyOf func(*E) *K
	hash  func(*K) uint32
	// counts returns what an element adds up: requests, and an amount.
	counts func(*E) (requests, amount *uint64)
	taken  int // how many fit into a batch
}

// add counts requests and an amount under a key, if there is room.
func (s *sums[K, E]) add(k K, requests, amount uint64, limit int) bool {
	e := s.find(&k, limit)
	if e == nil {
		return false
	}
	r, a := s.counts(e)
	*r, *a = addCapped(*r, requests), addCapped(*a, amount)
	return true
}

// take removes the newest elements, as many as fit into a batch.
func (s *sums[K, E]) take() []E {
	from := len(s.all)
	var requests, amount uint64
	for ; from > 0 && len(s.all)-from < s.taken; from-- {
		r, a := s.counts(&s.all[from-1])
		if requests, amount = requests+*r, amount+*a; max(requests, amount) > wire.MaxBatchTotal {
			break
		}
	}
	return s.cut(from)
}

// find returns the element of k, made anew if there are fewer than limit, and nil
// if not. It stays valid until the next one is made.
func (s *sums[K, E]) find(k *K, limit int) *E {
	hash := s.hash(k)
	for i := s.index.first(hash); i >= 0; i = s.index.next(i) {
		if *s.keyOf(&s.all[i]) == *k {
			return &s.all[i]
		}
	}
	n := len(s.all)
	if n >= limit {
		return nil
	}
	var made E
	*s.keyOf(&made) = *k
	s.all = append(s.all, made)
	s.index.push(hash)
	return &s.all[n]
}

// cut removes the elements from this position on. They may be reordered, and
// stay valid until the next one is made.
func (s *sums[K, E]) cut(from int) []E {
	taken := s.all[from:]
	s.index.cut(from)
	s.all = s.all[:from]
	return taken
}

// shrink gives memory back to the garbage collector when little of it is in use.
// What was cut is no longer valid.
func (s *sums[K, E]) shrink() {
	if len(s.all) == 0 && cap(s.all) > maxTakenEntries {
		s.all, s.index = nil, newChains()
	}
}
