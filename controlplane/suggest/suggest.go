package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// Suggestion is an endpoint that could be made.
type Suggestion struct {
	Method   string
	Template string
	Requests int64   // of the sample, that it would have matched
	Share    float64 // of all unmatched requests of the sample, 0 to 1
	Paths    int     // how many paths they had
	Examples []string
	LastSeen time.Time
}

// maxExamples is how many paths a suggestion shows.
const maxExamples = 5

// Templates returns an endpoint for each of the paths that none of the existing ones
// matches, the most requested first, then by template and method. Paths that aren't as
// [controlplane.PlainUnmatched] writes them are passed over. A HEAD counts as the GET
// whose endpoint it goes to. It fails when the filter couldn't use the existing
// endpoints.
func Templates(paths []controlplane.UnmatchedPath, existing []controlplane.Endpoint) ([]Suggestion, error) {
	unmatched, err := without(paths, existing)
	if err != nil {
		return nil, err
	}
	s := &splitter{there: treeOf(existing)}
	s.split(unmatched, nil, s.there)
	all := requestsOf(unmatched)
	for i := range s.found {
		s.found[i].Share = float64(s.found[i].Requests) / float64(all)
	}
	slices.SortFunc(s.found, func(a, b Suggestion) int { return a.Place().compare(b.Place()) })
	return s.found, nil
}

// Place is where a suggestion stands in a list of them.
type Place struct {
	Requests         int64
	Template, Method string
}

// Place returns where s stands.
func (s *Suggestion) Place() Place { return Place{s.Requests, s.Template, s.Method} }

func (p Place) compare(o Place) int {
	return cmp.Or(cmp.Compare(o.Requests, p.Requests), cmp.Compare(p.Template, o.Template), cmp.Compare(p.Method, o.Method))
}

// Page returns the first of the suggestions after a place, of which the zero one is
// before all, and whether there are more.
func Page(all []Suggestion, after Place, first int) (page []Suggestion, more bool) {
	if after != (Place{}) {
		from, _ := slices.BinarySearchFunc(all, after, func(s Suggestion, p Place) int {
			if s.Place().compare(p) <= 0 {
				return -1
			}
			return 1
		})
		all = all[from:]
	}
	return all[:min(first, len(all))], first < len(all)
}

// request is a method and a path, and what the sample has of them.
type request struct {
	method, path string
	segments     []string
	requests     int64
	lastSeen     time.Time
}

// without returns the paths that no endpoint matches, each once, by path and method.
func without(paths []controlplane.UnmatchedPath, existing []controlplane.Endpoint) ([]*request, error) {
	match, err := matcher(existing)
	if err != nil {
		return nil, err
	}
	type line struct{ method, path string }
	seen := map[line]*request{}
	var found []*request
	for _, p := range paths {
		plain, ok := controlplane.PlainUnmatched(p.Method, p.Path)
		if !ok || plain != p.Path || p.Requests < 1 || match(p.Method, p.Path) {
			continue
		}
		if p.Method == "HEAD" {
			p.Method = "GET"
		}
		r := seen[line{p.Method, p.Path}]
		if r == nil {
			r = &request{method: p.Method, path: p.Path, segments: segmentsOf(p.Path)}
			seen[line{p.Method, p.Path}] = r
			found = append(found, r)
		}
		r.requests += p.Requests
		if p.LastSeen.After(r.lastSeen) {
			r.lastSeen = p.LastSeen
		}
	}
	slices.SortFunc(found, func(a, b *request) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return found, nil
}

// matcher returns what says, as the filter would, whether an endpoint matches.
func matcher(endpoints []controlplane.Endpoint) (func(method, path string) bool, error) {
	p := book.Policy{Version: 1}
	for i, e := range endpoints {
		p.Endpoints = append(p.Endpoints, book.Endpoint{ID: uint64(i + 1), Method: e.Method, Template: e.Template, Cost: 1})
	}
	set, err := book.Compile(p, nil)
	if err != nil {
		return nil, fmt.Errorf("compile the endpoints: %w", err)
	}
	core, err := book.OpenCore(set.Segments[0])
	if err != nil {
		return nil, fmt.Errorf("open the endpoints: %w", err)
	}
	return func(method, path string) bool {
		_, found := core.MatchEndpoint(method, path)
		return found
	}, nil
}

// segmentsOf takes a path or a template apart. A slash at the end makes no segment.
func segmentsOf(path string) []string {
	path = strings.TrimSuffix(path[1:], "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// splitter collects suggestions.
type splitter struct {
	there *node
	found []Suggestion
}

// split makes suggestions of requests that begin with the segments of a template; there
// is where these lead to among the existing endpoints, nil for nowhere.
func (s *splitter) split(requests []*request, begin []string, there *node) {
	depth := len(begin)
	var ending []*request
	below := map[string][]*request{}
	for _, r := range requests {
		if len(r.segments) == depth {
			ending = append(ending, r)
			continue
		}
		below[r.segments[depth]] = append(below[r.segments[depth]], r)
	}
	s.suggest(ending, begin)
	before := ""
	if depth > 0 {
		before = begin[depth-1]
	}
	kept, parameters := classify(below, before)
	for _, segment := range kept {
		s.split(below[segment], with(begin, segment), there.literal(segment))
	}
	if len(parameters) == 0 {
		return
	}
	var merged []*request
	for _, segment := range parameters {
		merged = append(merged, below[segment]...)
	}
	s.split(merged, with(begin, "{"+there.nameFor(begin)+"}"), there.parameter())
}

// with returns segments with one more, and doesn't touch their memory.
func with(segments []string, more string) []string {
	return append(segments[:len(segments):len(segments)], more)
}

// suggest makes suggestions, one for each method, of requests that a template matches.
func (s *splitter) suggest(requests []*request, segments []string) {
	byMethod := map[string][]*request{}
	for _, r := range requests {
		byMethod[r.method] = append(byMethod[r.method], r)
	}
	template := "/" + strings.Join(segments, "/")
	for method, all := range byMethod {
		e := controlplane.Endpoint{Method: method, Template: template, Cost: 1}
		if controlplane.ValidateEndpoint(e) == nil && !s.there.losesTo(segments, method) {
			s.found = append(s.found, suggestionOf(e, all))
			continue
		}
		for _, r := range all { // each matches nothing but itself
			e.Template = r.path
			s.found = append(s.found, suggestionOf(e, []*request{r}))
		}
	}
}

func suggestionOf(e controlplane.Endpoint, requests []*request) Suggestion {
	s := Suggestion{Method: e.Method, Template: e.Template, Paths: len(requests)}
	for _, r := range requests {
		s.Requests += r.requests
		if r.lastSeen.After(s.LastSeen) {
			s.LastSeen = r.lastSeen
		}
	}
	shown := slices.SortedFunc(slices.Values(requests), func(a, b *request) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), cmp.Compare(a.path, b.path))
	})
	for _, r := range shown[:min(len(shown), maxExamples)] {
		s.Examples = append(s.Examples, r.path)
	}
	return s
}
