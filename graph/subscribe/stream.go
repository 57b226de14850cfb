package subscribe

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// streamKey is what subscriptions that share a stream have in common.
type streamKey [sha256.Size]byte

func keyOf(operation *graphql.OperationContext, permission string) (streamKey, error) {
	text, err := json.Marshal([]any{permission, operation.OperationName, operation.RawQuery, operation.Variables})
	return sha256.Sum256(text), err
}

// listener is a connection.
type listener interface {
	// news says that a subscriber has something to take. It must not wait.
	news(s *subscriber)
}

// streams are those that run.
type streams struct {
	log *slog.Logger

	mu    sync.Mutex
	byKey map[streamKey]*stream
	open  int // subscribers
}

// stream is one operation that runs.
type stream struct {
	key    streamKey
	cancel context.CancelFunc

	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
	latest      []byte // the newest event, encoded; never written to
	version     uint64 // of latest
	ended       bool
	fault       gqlerror.List // why it ended; nil: it was complete
}

// subscriber reads a stream.
type subscriber struct {
	stream *stream
	owner  listener
	id     string                     // by which the client knows it
	head   []byte                     // what its messages begin with
	told   func(gqlerror.List) []byte // encodes errors as those of its own request

	seen uint64 // with the stream's lock
}

var (
	errManyStreams     = errors.New("too many different subscriptions are open; end some, or subscribe to what others do")
	errManySubscribers = errors.New("too many subscriptions are open; end some")
)

// join returns a subscriber of the stream with a key, which it starts with ctx when
// there is none.
func (s *streams) join(ctx context.Context, key streamKey, exec graphql.GraphExecutor, operation *graphql.OperationContext, owner listener) (*subscriber, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxSubscribers {
		return nil, errManySubscribers
	}
	st := s.byKey[key]
	if st == nil {
		if len(s.byKey) >= maxStreams {
			return nil, errManyStreams
		}
		if s.byKey == nil {
			s.byKey = map[streamKey]*stream{}
		}
		// It outlives the request that it begins with.
		ctx, cancel := context.WithCancel(graphql.StartOperationTrace(ctx))
		st = &stream{key: key, cancel: cancel, subscribers: map[*subscriber]struct{}{}}
		s.byKey[key] = st
		go s.run(ctx, st, exec, operation)
	}
	s.open++
	sub := &subscriber{stream: st, owner: owner}
	st.add(sub)
	return sub, nil
}

// leave ends a subscriber, and a stream with its last one.
func (s *streams) leave(sub *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := sub.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, open := st.subscribers[sub]; !open {
		return
	}
	delete(st.subscribers, sub)
	s.open--
	if len(st.subscribers) == 0 {
		s.forget(st)
		st.cancel()
	}
}

// forget makes the next subscription of the kind begin a new stream.
func (s *streams) forget(st *stream) {
	if s.byKey[st.key] == st {
		delete(s.byKey, st.key)
	}
}

func (s *streams) subscribers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}

// run executes a stream to its end.
func (s *streams) run(ctx context.Context, st *stream, exec graphql.GraphExecutor, operation *graphql.OperationContext) {
	fault := s.execute(ctx, st, exec, operation)
	s.mu.Lock()
	s.forget(st)
	s.mu.Unlock()
	st.cancel()
	st.end(fault)
}

func (s *streams) execute(ctx context.Context, st *stream, exec graphql.GraphExecutor, operation *graphql.OperationContext) (fault gqlerror.List) {
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "a subscription ended", "err", fmt.Sprintf("panic: %v\n%s", v, debug.Stack()))
			fault = gqlerror.List{{Message: "something went wrong on our side; try again", Extensions: map[string]any{"code": "INTERNAL"}}}
		}
	}()
	next, ctx := exec.DispatchOperation(ctx, operation)
	for first := true; ; first = false {
		response := next(ctx)
		if response == nil {
			return nil
		}
		if first && response.Data == nil && len(response.Errors) > 0 {
			return response.Errors
		}
		payload, err := json.Marshal(response)
		if err != nil {
			panic(err) // its data is JSON already
		}
		st.publish(payload)
	}
}

func encodeErrors(errs gqlerror.List) []byte {
	text, err := json.Marshal(errs)
	if err != nil {
		panic(err) // messages, places and codes
	}
	return text
}

// add lets a subscriber begin with the latest event.
func (st *stream) add(sub *subscriber) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.subscribers[sub] = struct{}{}
}

func (st *stream) publish(payload []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.latest = payload
	st.version++
	st.tell()
}

func (st *stream) end(fault gqlerror.List) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended, st.fault = true, fault
	st.tell()
}

func (st *stream) tell() {
	for sub := range st.subscribers {
		sub.owner.news(sub)
	}
}

// taken is what a subscriber has to be sent.
type taken struct {
	event []byte // nil: none that is new
	ended bool
	fault []byte
}

// take returns what is new since the last time.
func (sub *subscriber) take() (t taken) {
	st := sub.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	if sub.seen != st.version {
		sub.seen, t.event = st.version, st.latest
	}
	if t.ended = st.ended; st.fault != nil {
		t.fault = sub.told(st.fault)
	}
	return t
}
