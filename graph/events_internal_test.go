package graph

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// The keep-alive of the GraphQL library writes next to the events, and may do so
// once more after the stream's end.
func TestEventsMayBeWrittenByManyAndAfterTheEnd(t *testing.T) {
	const writers, lines = 4, 200
	late := make(chan http.ResponseWriter, 1)
	server := httptest.NewServer(guardEvents(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range lines {
					io.WriteString(w, ": ping\n\n")
					w.(http.Flusher).Flush()
				}
			})
		}
		wg.Wait()
		late <- w
	})))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || len(body) != writers*lines*len(": ping\n\n") {
		t.Errorf("got %d bytes, %v", len(body), err)
	}
	w := <-late
	if _, err := io.WriteString(w, ": ping\n\n"); err == nil {
		t.Error("a write after the end went through")
	}
	w.(http.Flusher).Flush()
}
