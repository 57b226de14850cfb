package suggest

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// How many different texts there are in one place when they are taken for values: fewer
// below what reads like a collection (/users) than elsewhere (/v1), where there may be
// as many sorts of things.
const (
	manyInCollection = 16
	manyElsewhere    = 60
)

// classify says which of the segments in one place stay text, and which become a
// parameter, both sorted. before is the segment before them, "" for none.
func classify(below map[string][]*request, before string) (kept, parameters []string) {
	var texts []string
	for _, segment := range slices.Sorted(maps.Keys(below)) {
		if identifies(segment) && !numbersVersion(segment, before) {
			parameters = append(parameters, segment)
		} else {
			texts = append(texts, segment)
		}
	}
	many := manyElsewhere
	if singular(before) != before {
		many = manyInCollection
	}
	if len(texts) <= many {
		return texts, parameters
	}
	for _, segment := range texts {
		if standsOut(segment, texts, below) {
			kept = append(kept, segment)
		} else {
			parameters = append(parameters, segment)
		}
	}
	slices.Sort(parameters)
	return kept, parameters
}

// standsOut reports whether one of many texts is asked for so much more often than the
// others that it will be something of its own, as /users/me is.
func standsOut(segment string, texts []string, below map[string][]*request) bool {
	counts, all := make([]int64, len(texts)), int64(0)
	for i, t := range texts {
		counts[i] = requestsOf(below[t])
		all += counts[i]
	}
	slices.Sort(counts)
	n, median := requestsOf(below[segment]), counts[len(counts)/2]
	return n > 10*median && n >= all/20
}

func requestsOf(requests []*request) (sum int64) {
	for _, r := range requests {
		sum += r.requests
	}
	return sum
}

var (
	number  = regexp.MustCompile(`^[0-9]+([.,:-][0-9]+)*$`)
	version = regexp.MustCompile(`^[0-9]{1,2}(\.[0-9]{1,2})*$`)
	uuid    = regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	hexText = regexp.MustCompile(`^[0-9A-Fa-f]{8,}$`)
	ulid    = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$`)
	email   = regexp.MustCompile(`^.+(@|%40).+$`)
	random  = regexp.MustCompile(`^[A-Za-z0-9._~=-]+$`)
	tagged  = regexp.MustCompile(`^[A-Za-z]{1,12}[_-]([A-Za-z0-9]{6,})$`)
)

// identifies reports whether a segment looks like the name of one of many things.
func identifies(segment string) bool {
	switch {
	case number.MatchString(segment), uuid.MatchString(segment), email.MatchString(segment):
		return true
	case hexText.MatchString(segment), ulid.MatchString(segment):
		return strings.ContainsAny(segment, "0123456789")
	}
	if m := tagged.FindStringSubmatch(segment); m != nil && changes(m[1]) >= 2 { // cus_9s6XKzkN
		return true
	}
	return len(segment) >= 16 && random.MatchString(segment) && changes(segment) >= 4
}

// numbersVersion reports whether a number says which version of an API this is.
func numbersVersion(segment, before string) bool {
	switch strings.ToLower(before) {
	case "api", "rest", "v", "ver", "version":
		return version.MatchString(segment)
	}
	return false
}

// changes counts where a text goes over from letters of one case, or from digits, to
// another: words do so seldom, random text all the time.
func changes(s string) (n int) {
	last := byte(0)
	for i := range len(s) {
		kind := byte(0)
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			kind = '0'
		case c >= 'a' && c <= 'z':
			kind = 'a'
		case c >= 'A' && c <= 'Z':
			kind = 'A'
		}
		if kind == 0 {
			continue
		}
		if last != 0 && kind != last {
			n++
		}
		last = kind
	}
	return n
}

// maxName bounds a parameter's name, so that a template isn't much longer than a path.
const maxName = 40

// nameFor returns what the parameter after these segments is called: as endpoints that
// are there call it, else as the segment before, and never as one before it.
func (n *node) nameFor(begin []string) string {
	name := "id"
	switch {
	case n != nil && n.param != nil:
		name = n.name
	case len(begin) > 0 && !isParameter(begin[len(begin)-1]):
		if word := camel(singular(begin[len(begin)-1])); word != "" && len(word) < maxName {
			name = word + "Id"
		}
	}
	unique := name
	for i := 2; slices.Contains(begin, "{"+unique+"}"); i++ {
		unique = name + strconv.Itoa(i)
	}
	return unique
}

// singular returns what an English plural is of, and any other word as it is.
func singular(word string) string {
	cut := func(ending, put string) (string, bool) {
		stem, ok := strings.CutSuffix(word, ending)
		return stem + put, ok && len(stem) > 1
	}
	for _, e := range [...][2]string{{"ies", "y"}, {"sses", "ss"}, {"shes", "sh"}, {"ches", "ch"}, {"xes", "x"}} {
		if one, ok := cut(e[0], e[1]); ok {
			return one
		}
	}
	for _, ending := range [...]string{"ss", "us", "is"} {
		if strings.HasSuffix(word, ending) {
			return word
		}
	}
	if one, ok := cut("s", ""); ok {
		return one
	}
	return word
}

// camel writes a segment as a name: lineItem of line-item. It is empty where that
// can't begin with a letter.
func camel(segment string) string {
	var b strings.Builder
	upper := false
	for i := range len(segment) {
		c := segment[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') {
			upper = b.Len() > 0
			continue
		}
		if b.Len() == 0 && !letter {
			return ""
		}
		if upper && c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		b.WriteByte(c)
		upper = false
	}
	return b.String()
}
