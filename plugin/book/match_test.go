package book

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/plugin/internal/frame"
)

func TestMatchEndpoint(t *testing.T) {
	c := coreOf(t, Policy{Version: 1, Endpoints: []Endpoint{
		{1, "GET", "/", 1, 0},
		{2, "GET", "/v1/users/{id}", 1, 0},
		{3, "POST", "/v1/users/me", 1, 0},
		{4, "*", "/v1/users/me", 1, 0},
		{5, "GET", "/v1/users/", 1, 0},
		{6, "HEAD", "/v1/ping", 1, 0},
		{7, "GET", "/v1/ping", 1, 0},
		{8, "DELETE", "/v1/users/{id}", 1, 0},
		{9, "GET", "/v1/{kind}/me/avatar", 1, 0},
		{10, "POST", "/only/post", 1, 0},
		{11, "GET", "/only/{what}", 1, 0},
		{12, "*", "/any/{x}", 1, 0},
		{13, "GET", "/any/{x}", 1, 0},
		{14, "GET", "/caf%C3%A9/{x}", 1, 0},
		{15, "GET", "/x/all", 1, 0},
		{16, "GET", "/slashed/", 1, 0},
		{17, "GET", "/u/{id}/x", 1, 0},
		{18, "GET", "/dear/{id}/x", 9, 0},
		{19, "GET", "/dear/x", 5, 0},
		{20, "GET", "/dear/help", 1, 0},
		{21, "GET", "/dear/{query}", 7, 0},
	}})
	tests := map[string]struct {
		method, path string
		want         uint64
	}{
		"root":                               {"GET", "/", 1},
		"parameter":                          {"GET", "/v1/users/7", 2},
		"literal before parameter":           {"GET", "/v1/users/me", 4},
		"exact method before any":            {"POST", "/v1/users/me", 3},
		"trailing slash of its own":          {"GET", "/v1/users/", 5},
		"trailing slash after a parameter":   {"GET", "/v1/users/7/", 2},
		"trailing slash more":                {"GET", "/x/all/", 15},
		"trailing slash less":                {"GET", "/slashed", 16},
		"trailing slash, and no such method": {"POST", "/x/all/", 0},
		"trailing slashes":                   {"GET", "/x/all///", 15},
		"slashes":                            {"GET", "//x///all", 15},
		"parameters of a segment":            {"GET", "/x;v=1/all;v=2", 15},
		"parameters of nothing":              {"GET", "/;a/x/;b/all/;c", 15},
		"parameters of an id":                {"GET", "/v1/users/7;v=1", 2},
		"encoded letters":                    {"GET", "/%78/%61l%6C", 15},
		"encoded twice":                      {"GET", "/%2578/all", 0},
		"encoded by halves":                  {"GET", "/x/al%6", 0},
		"dot segments":                       {"GET", "/./x/y/../all", 15},
		"encoded dot segments":               {"GET", "/%2E/x/y/%2e%2E/all", 15},
		"dot segments with parameters":       {"GET", "/x/y/..;a=b/all", 15},
		"dot segments beyond the root":       {"GET", "/../../x/all", 15},
		"dot segments down to the root":      {"GET", "/x/..", 1},
		"more segments than any, resolved":   {"GET", strings.Repeat("/y/..", 99) + "/x/all", 15},
		"deeper than any, resolved":          {"GET", strings.Repeat("/y", 40) + strings.Repeat("/..", 40) + "/x/all", 15},
		"parameters of the root":             {"GET", "/;v=1", 1},
		"only parameters, for a parameter":   {"GET", "/u/;0/x", 17},
		"a dot with parameters":              {"GET", "/u/.;0/x", 17},
		"two dots with parameters":           {"GET", "/u/..;/x", 17},
		"encoded dots with parameters":       {"GET", "/u/%2e%2E;/x", 17},
		"parameters behind parameters":       {"GET", "/u;a=1/..;0/x;b=2", 17},
		"nothing with parameters, the dear":  {"GET", "/dear/;0/x", 18},
		"two dots back to the dear":          {"GET", "/dear/help/..;/x", 19},
		"literal with parameters, the dear":  {"GET", "/dear/help;0", 21},
		"a parameter isn't empty":            {"DELETE", "/v1/users/", 0},
		"HEAD of its own":                    {"HEAD", "/v1/ping", 6},
		"HEAD falls back to GET":             {"HEAD", "/v1/users/7", 2},
		"HEAD falls back to GET before any":  {"HEAD", "/any/x", 13},
		"another method takes any":           {"PUT", "/any/x", 12},
		"backtracks from a literal":          {"GET", "/v1/users/me/avatar", 9},
		"backtracks from a method":           {"GET", "/only/post", 11},
		"no such method":                     {"PUT", "/only/post", 0},
		"methods are case sensitive":         {"get", "/v1/users/7", 0},
		"paths are case sensitive":           {"GET", "/V1/users/7", 0},
		"encoded bytes":                      {"GET", "/caf%C3%A9/1", 14},
		"other spelling of the same byte":    {"GET", "/caf%c3%a9/1", 14},
		"an encoded slash doesn't separate":  {"GET", "/v1/users/a%2Fb", 2},
		"prefix only":                        {"GET", "/v1", 0},
		"empty":                              {"GET", "", 0},
		"asterisk form":                      {"OPTIONS", "*", 0},
		"absolute form":                      {"GET", "http://a/v1/users/7", 0},
		"no method":                          {"", "/v1/users/7", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, found := c.MatchEndpoint(tt.method, tt.path)
			if got.ID != tt.want || found != (tt.want != 0) {
				t.Errorf("%s %s: got %+v, want endpoint %d", tt.method, tt.path, got, tt.want)
			}
		})
	}
}

// lone finds the segments of which nothing or dots are left without parameters.
var lone = regexp.MustCompile(`/(\.?\.?);[^/]*`)

// matchByTrying is the rule of MatchEndpoint applied to every template.
func matchByTrying(list []Endpoint, method, path string) uint64 {
	if path == "" {
		return 0
	}
	text := func(s string) string { return strings.ReplaceAll(s, ";", "~") }
	var dearest Endpoint
	for _, reading := range []string{path, lone.ReplaceAllStringFunc(path, text), text(path)} {
		segments := strings.Split(PlainPath(reading), "/")
		var best Endpoint
		var bestRank []int
		for _, e := range list {
			rank, ok := rankOf(e, method, segments)
			if ok && (best.ID == 0 || slices.Compare(rank, bestRank) < 0) {
				best, bestRank = e, rank
			}
		}
		if best.Cost > dearest.Cost {
			dearest = best
		}
	}
	return dearest.ID
}

// rankOf is lower the better e suits, from the first segment to the method.
func rankOf(e Endpoint, method string, segments []string) (rank []int, ok bool) {
	template := strings.Split(e.Template, "/")
	differs := 0
	switch slash := func(s []string) bool { return s[len(s)-1] == "" }; {
	case slash(template) && !slash(segments):
		template, differs = template[:len(template)-1], 1
	case slash(segments) && !slash(template):
		segments, differs = segments[:len(segments)-1], 1
	}
	if len(template) != len(segments) {
		return nil, false
	}
	for i, s := range template {
		switch {
		case s == segments[i]:
			rank = append(rank, 0)
		case strings.HasPrefix(s, "{") && segments[i] != "":
			rank = append(rank, 1)
		default:
			return nil, false
		}
	}
	rank = append(rank, differs)
	switch {
	case e.Method == method:
		return append(rank, 0), true
	case method == "HEAD" && e.Method == "GET":
		return append(rank, 1), true
	case e.Method == "*":
		return append(rank, 2), true
	}
	return nil, false
}

func TestMatchEndpointEqualsTryingAll(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "ab", "{x}", "{y}"})
	method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "*"})
	rapid.Check(t, func(t *rapid.T) {
		var list []Endpoint
		taken := map[string]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "endpoints") {
			e := Endpoint{ID: uint64(len(list) + 1), Method: method.Draw(t, "method"), Cost: rapid.Uint32Range(1, 3).Draw(t, "cost")}
			for range rapid.IntRange(1, 6).Draw(t, "segments") {
				e.Template += "/" + segment.Draw(t, "segment")
			}
			if rapid.IntRange(0, 4).Draw(t, "slash") == 0 {
				e.Template += "/"
			}
			route := e.Method + strings.ReplaceAll(e.Template, "{y}", "{x}")
			if !taken[route] {
				list = append(list, e)
			}
			taken[route] = true
		}
		c := coreOf(&testing.T{}, Policy{Version: 1, Endpoints: list})
		for range 50 {
			path := rapid.StringMatching(`(/(a|b|ab|c||%61|b;x|;|\.|\.\.|\.;|\.\.;a)){0,7}`).Draw(t, "path")
			m := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT"}).Draw(t, "method of the request")
			got, found := c.MatchEndpoint(m, path)
			if want := matchByTrying(list, m, path); got.ID != want || found != (want != 0) {
				t.Fatalf("%s %q: got %d, want %d among %v", m, path, got.ID, want, list)
			}
		}
	})
}

func TestPlainPathsStayAsTheyAre(t *testing.T) {
	// An escape whose digits are written as escapes is one only after the first round.
	twice := regexp.MustCompile(`%%|%25|%[0-9a-fA-F]?%`)
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringMatching(`(/([a-c.;%26]|%[0-9a-fA-F]{2}){0,4}){1,6}`).Draw(t, "path")
		plain := PlainPath(path)
		m := matcher{path: path}
		if m.split(); !m.plain && plain != path {
			t.Fatalf("%q is taken for plain, it is %q", path, plain)
		}
		if again := PlainPath(plain); again != plain && !twice.MatchString(path) {
			t.Fatalf("%q becomes %q, and that %q", path, plain, again)
		}
	})
}

func TestHostilePathsAreBounded(t *testing.T) {
	c := coreOf(t, Policy{Version: 1, Endpoints: overlapping(10, "/end")})
	m := matcher{core: c, method: "GET", path: strings.Repeat("/a", 10) + "/z", steps: maxMatchSteps}
	m.split()
	if _, found := m.from(0, 0); found || m.steps < 0 {
		t.Errorf("found %v with %d steps left", found, m.steps)
	}
	for _, path := range []string{
		strings.Repeat("/a", 100_000), strings.Repeat("/", 100_000), "/" + strings.Repeat("a", 100_000),
		strings.Repeat("/a", 10) + "/" + strings.Repeat("z", 100_000),
	} {
		if got, found := c.MatchEndpoint("GET", path); found {
			t.Errorf("a path of %d bytes matched %v", len(path), got)
		}
	}
}

// overlapping has 2^levels templates, with a literal and a parameter at each level.
func overlapping(levels int, end string) (list []Endpoint) {
	for i := range 1 << levels {
		template := ""
		for bit := range levels {
			template += []string{"/a", "/{x}"}[i>>bit&1]
		}
		list = append(list, Endpoint{uint64(i + 1), "GET", template + end, 1, 0})
	}
	return list
}

func TestOverlapBeyondTheBound(t *testing.T) {
	p := Policy{Version: 1, Endpoints: overlapping(12, "/end")}
	if _, err := Compile(p, nil); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "overlap") {
		t.Fatalf("got %v", err)
	}
	// A core that was forged to have it is matched no further than that.
	comp := &compiler{p: p, textAt: map[string]uint32{}}
	for _, e := range p.Endpoints {
		comp.sections[endpoints] = frame.AppendU32(frame.AppendU64(comp.sections[endpoints], e.ID, e.Group), e.Cost, 0)
	}
	root, _ := comp.grow()
	comp.flatten(root)
	data, err := comp.assemble()
	if err != nil {
		t.Fatal(err)
	}
	m := matcher{core: mustOpenCore(t, data), method: "GET", path: strings.Repeat("/a", 12) + "/z", steps: maxMatchSteps}
	m.split()
	if _, found := m.from(0, 0); found || m.steps >= 0 || m.steps < -2*MaxTemplateSegments {
		t.Errorf("found %v with %d steps left, want it to stop soon after the last", found, m.steps)
	}
}

func TestLongestTemplateMatches(t *testing.T) {
	template := strings.Repeat("/a", MaxTemplateSegments)
	c := coreOf(t, Policy{Version: 1, Endpoints: []Endpoint{{1, "GET", template, 1, 0}}})
	if _, found := c.MatchEndpoint("GET", template); !found {
		t.Error("not found")
	}
	if _, found := c.MatchEndpoint("GET", template+"//"); !found {
		t.Error("with slashes behind it not found")
	}
	if _, found := c.MatchEndpoint("GET", template+"/a"); found {
		t.Error("one segment more was found")
	}
}
