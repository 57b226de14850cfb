package bulk

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// timed is an answer whose request's deadline is counted.
type timed struct {
	http.ResponseWriter
	deadlines int
}

func (t *timed) SetReadDeadline(time.Time) error {
	t.deadlines++
	return nil
}

func TestASenderThatTricklesGetsNoTimeForEachByte(t *testing.T) {
	for _, body := range []string{strings.Repeat("x", leastBytes-1), strings.Repeat("x", 3*leastBytes)} {
		w := &timed{ResponseWriter: httptest.NewRecorder()}
		read, err := io.ReadAll(&patient{body: iotest.OneByteReader(strings.NewReader(body)), control: http.NewResponseController(w)})
		if err != nil || string(read) != body {
			t.Fatalf("%d bytes of %d, %v", len(read), len(body), err)
		}
		if want := len(body)/leastBytes + 1; w.deadlines != want {
			t.Errorf("%d bytes, one by one, are given time %d times, want %d", len(body), w.deadlines, want)
		}
	}
}
