package process

import (
	"io"
	"strings"
	"sync"
)

// tailBytes is how much of a child's output is kept for error messages.
const tailBytes = 8 << 10

// Tail passes a child's output on and keeps the end of it, to explain why the
// child ended. The zero value passes it to nobody.
type Tail struct {
	Next io.Writer // may be nil

	mu   sync.Mutex
	kept []byte
}

// Write never fails for the sake of the child: what Next refuses is lost there
// but kept here.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	if t.Next != nil {
		// A full disk under a log file must not stop the child.
		_, _ = t.Next.Write(p)
	}
	return len(p), nil
}

// String returns what was kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// LastLine returns the last line that contains any of the words, without
// surrounding space, or the last line that is not empty if none does.
func (t *Tail) LastLine(words ...string) string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		for _, w := range words {
			if strings.Contains(lines[i], w) {
				return strings.TrimSpace(lines[i])
			}
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
