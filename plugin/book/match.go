package book

import (
	"strings"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// MatchEndpoint finds the endpoint of a request. path is raw, without query; it is
// compared segment by segment, in the spelling of [PlainPath]. From left to right a
// literal segment is preferred to {param}, and in the end a template that has a
// trailing slash as the path does, or hasn't, to one that differs in that; for the
// path so found, the exact method to GET for a HEAD, and that to "*". A template
// that has none of these methods is passed over for the next best. A {param} matches
// one segment that isn't empty.
//
// Upstreams differ in what a segment's parameters are (;v=1): nothing, so that ;v=1
// is no segment at all; nothing to a path that is resolved already, so that it is an
// empty one; or text. Of the endpoints that a path with parameters is in these
// readings, it is the one of the highest cost; of equals, the first of them in this
// order.
//
// A path of more than [MaxTemplateSegments] segments matches nothing, and the
// work for any other is bounded by the policy.
func (c *Core) MatchEndpoint(method, path string) (EndpointRef, bool) {
	best, found := c.matchSplit(method, path, false)
	if strings.IndexByte(path, ';') < 0 || path[0] != '/' {
		return best, found
	}
	for as := withoutParameters + 1; as < readings; as++ {
		if e, ok := c.matchSplit(method, plainPath(path, as), true); ok && (!found || e.Cost > best.Cost) {
			best, found = e, true
		}
	}
	return best, found
}

// matchSplit finds the endpoint of a path, which may be known to be plain.
func (c *Core) matchSplit(method, path string, plain bool) (EndpointRef, bool) {
	m := matcher{core: c, method: method, path: path, plain: plain, steps: maxMatchSteps}
	if !m.split() {
		return EndpointRef{}, false
	}
	i, found := m.from(0, 0)
	if !found {
		return EndpointRef{}, false
	}
	r := c.record(endpoints, i)
	e := EndpointRef{ID: frame.U64(r, 0), Group: frame.U64(r, 8), Cost: frame.U32(r, 16)}
	return e, e.ID != 0
}

// matcher walks the trie for one request.
type matcher struct {
	core         *Core
	method, path string
	ends         [MaxTemplateSegments]int    // where each segment ends
	hashes       [MaxTemplateSegments]uint32 // of each segment
	segments     int
	slash        bool // the path has a slash behind them
	plain        bool // the path is as plainPath returns it
	steps        int  // left
}

// split finds the segments. It reports false for a path that no template can
// match.
func (m *matcher) split() bool {
	if m.path == "" || m.path[0] != '/' {
		return false
	}
	for at := 1; m.segments < MaxTemplateSegments; m.segments++ {
		if m.slash = at == len(m.path); m.slash {
			return true
		}
		end, hash := at, uint32(hashSeed)
		for end < len(m.path) && m.path[end] != '/' && end-at <= MaxTemplateBytes {
			if c := m.path[end]; (c == '%' || c == ';') && !m.plain && isOdd(m.path[end:]) {
				return m.splitPlain()
			}
			hash = (hash ^ uint32(m.path[end])) * hashFactor
			end++
		}
		if end-at > MaxTemplateBytes { // no label is as long, so its hash doesn't matter
			if slash := strings.IndexByte(m.path[end:], '/'); slash >= 0 {
				end += slash
			} else {
				end = len(m.path)
			}
		}
		if end-at <= len("..") && !m.plain && vanishes(m.path[at:end]) {
			return m.splitPlain()
		}
		m.ends[m.segments], m.hashes[m.segments] = end, hash
		if end == len(m.path) {
			m.segments++
			return true
		}
		at = end + 1
	}
	if !m.plain { // what is left may take back some of it
		return m.splitPlain()
	}
	m.slash = true
	return m.ends[m.segments-1] == len(m.path)-1
}

// splitPlain is split after the path was found to be spelled otherwise than
// templates are.
func (m *matcher) splitPlain() bool {
	m.path, m.plain, m.segments = PlainPath(m.path), true, 0
	return m.split()
}

func (m *matcher) segment(i int) string {
	start := 1
	if i > 0 {
		start = m.ends[i-1] + 1
	}
	return m.path[start:m.ends[i]]
}

// from finds the endpoint of the segments from depth on, below node.
func (m *matcher) from(node, depth int) (endpoint int, found bool) {
	if m.steps--; m.steps < 0 {
		return 0, false
	}
	r := m.core.record(nodes, node)
	if depth == m.segments {
		return m.atEnd(r)
	}
	segment := m.segment(depth)
	if next, found := m.core.branch(edges, frame.U32(r, 0), frame.U32(r, 4), m.hashes[depth], segment); found {
		if endpoint, found := m.from(next, depth+1); found {
			return endpoint, true
		}
	}
	if param := int(frame.U32(r, 8)); param != 0 {
		return m.from(param, depth+1)
	}
	return 0, false
}

// atEnd finds the endpoint of a template that ends at node, or with a slash behind
// it.
func (m *matcher) atEnd(node []byte) (endpoint int, found bool) {
	slashed, has := m.core.branch(edges, frame.U32(node, 0), frame.U32(node, 4), hashSeed, "")
	if has && m.slash {
		if endpoint, found = m.byMethod(m.core.record(nodes, slashed)); found {
			return endpoint, true
		}
	}
	if endpoint, found = m.byMethod(node); found || !has || m.slash {
		return endpoint, found
	}
	return m.byMethod(m.core.record(nodes, slashed))
}

// byMethod finds the endpoint of a template that ends at node.
func (m *matcher) byMethod(node []byte) (endpoint int, found bool) {
	first, n := frame.U32(node, 12), frame.U32(node, 16)
	if n == 0 {
		return 0, false
	}
	if endpoint, found = m.core.branch(methods, first, n, hashOf(m.method), m.method); found {
		return endpoint, true
	}
	if m.method == "HEAD" {
		if endpoint, found = m.core.branch(methods, first, n, hashOf("GET"), "GET"); found {
			return endpoint, true
		}
	}
	return m.core.branch(methods, first, n, hashOf(anyMethod), anyMethod)
}

// branch finds a label among n branches from first on, which are sorted by the
// label's hash, then by label.
func (c *Core) branch(of section, first, n, hash uint32, label string) (target int, found bool) {
	lo, end := int(first), min(int(first)+int(n), c.counts[of])
	b := c.sections[of]
	for hi := end; lo < hi; {
		mid := int(uint(lo+hi) >> 1)
		if frame.U32(b, mid*branchBytes) < hash {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	// More than one has the hash only where a policy was made so on purpose.
	for tries := 0; lo < end && tries < maxMatchSteps; lo, tries = lo+1, tries+1 {
		r := b[lo*branchBytes:][:branchBytes]
		if frame.U32(r, 0) != hash {
			break
		}
		if c.label(r, 4) == label {
			return int(frame.U32(r, 12)), true
		}
	}
	return 0, false
}

// The hash is FNV-1a with 32 bits (Fowler, Noll, Vo).
const (
	hashSeed   = 2166136261
	hashFactor = 16777619
)

func hashOf(s string) uint32 {
	h := uint32(hashSeed)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * hashFactor
	}
	return h
}
