package wire

import (
	"testing"
	"unicode/utf8"

	"github.com/weirhq/weir/plugin/internal/frame"
)

func TestPrintable(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		most int
		want string
	}{
		"as it is":                     {"/v1/ä", 10, "/v1/ä"},
		"cut":                          {"abc", 2, "ab"},
		"not cut within a character":   {"aä", 2, "a"},
		"a control character replaced": {"a\x1bb", 10, "a\uFFFDb"},
		"bytes replaced":               {"a\xff\xfeb", 10, "a\uFFFDb"},
		"cut again after replacing":    {"a\x00\x00", 4, "a\uFFFD"},
		"nothing is left":              {"ä", 1, ""},
		"no room":                      {"a", 0, ""},
		"continuation bytes only":      {"\x80\x80\x80\x80\x80\x80", 5, "\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Printable(tt.in, tt.most); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if n := testing.AllocsPerRun(10, func() { Printable("/v1/users/7/a-long-path-that-is-cut", 20) }); n != 0 {
		t.Errorf("%v allocations for a text that is fine", n)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("/v1/\xff\x00ä", 5)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = max(0, min(most, 1000))
		got := Printable(s, most)
		if what := frame.TextFault("text", got, 0, most); what != "" {
			t.Fatalf("%q: %s", got, what)
		}
		if len(s) <= most && utf8.ValidString(s) && frame.TextFault("", s, 0, most) == "" && got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
