package openapi

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/weirhq/weir/plugin/book"
)

var (
	parameter = regexp.MustCompile(`^\{([^{}]*)\}$`)
	named     = regexp.MustCompile(`\{([^{}]+)\}`)
	unnamable = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// templateOf writes a path of a document below base as a template. The note says
// what it can't say as the document does; empty for nothing.
func templateOf(base, path string) (template, note string) {
	var b strings.Builder
	b.WriteString(base)
	for segment := range strings.SplitSeq(path[1:], "/") {
		b.WriteByte('/')
		switch names := named.FindStringSubmatch(segment); {
		case parameter.MatchString(segment):
			name := parameterName(strings.Trim(segment, "{}"))
			if greedy := strings.TrimRight(segment, "}"); strings.HasSuffix(greedy, "+") || strings.HasSuffix(greedy, "*") {
				note = fmt.Sprintf("%s stands for many segments there, and for one here", segment)
			}
			b.WriteString("{" + name + "}")
		case names != nil:
			note = fmt.Sprintf("a template can't mix text and parameters in a segment: a parameter stands for all of %s", segment)
			b.WriteString("{" + parameterName(names[1]) + "}")
		default:
			b.WriteString(escape(segment))
		}
	}
	return book.PlainPath(b.String()), note
}

func parameterName(written string) string {
	name := strings.Trim(unnamable.ReplaceAllString(written, "_"), "_")
	switch {
	case name == "":
		return "id"
	case name[0] >= '0' && name[0] <= '9':
		return "_" + name
	}
	return name
}

// escape percent-encodes what a path can't have as it is.
func escape(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if letter || strings.IndexByte("%-._~!$&'()*+,;=:@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
