package wire

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// PlainRequest reports whether a batch may carry a request with this method and path
// as [Unmatched]: upper-case letters, and a path that begins with a slash and has
// only printable ASCII in it, but for what a path has no place for or a template's
// parameters are written with: ?, #, { and }.
func PlainRequest(method, path []byte) bool {
	return len(method) > 0 && len(method) <= MaxMethodBytes && len(path) <= MaxUnmatchedPathBytes &&
		isMethod(method) && isPath(path)
}

func isMethod[T []byte | string](s T) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

func isPath[T []byte | string](s T) bool {
	if len(s) == 0 || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f, c == '?', c == '#', c == '{', c == '}':
			return false
		}
	}
	return true
}

func (b *Batch) unmatchedFault() string {
	for i := range b.Unmatched {
		if what := b.Unmatched[i].fault(); what != "" {
			return frame.Element("unmatched", i) + "." + what
		}
	}
	return ""
}

func (u *Unmatched) fault() string {
	if what := frame.TextFault("method", u.Method, 1, MaxMethodBytes); what != "" {
		return what
	}
	if what := frame.TextFault("path", u.Path, 1, MaxUnmatchedPathBytes); what != "" {
		return what
	}
	switch {
	case !isMethod(u.Method):
		return "method: not upper-case letters"
	case !isPath(u.Path):
		return "path: it has to begin with a slash and have printable ASCII in it, without ?, #, { and }"
	}
	return ""
}

func appendUnmatched(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Unmatched)))
	for i := range b.Unmatched {
		for _, s := range [...]string{b.Unmatched[i].Method, b.Unmatched[i].Path} {
			dst = binary.AppendUvarint(dst, uint64(len(s)))
			dst = append(dst, s...)
		}
	}
	return dst
}

func readUnmatched(r *frame.Reader) []Unmatched {
	n := r.List("unmatched", minUnmatchedBytes, MaxBatchUnmatched)
	if n == 0 {
		return nil
	}
	list := make([]Unmatched, n)
	for i := range list {
		list[i] = Unmatched{Method: r.Text("method"), Path: r.Text("path")}
		if r.Err != nil {
			return nil
		}
	}
	return list
}
