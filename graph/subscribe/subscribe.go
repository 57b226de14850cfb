package subscribe

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
)

// Config says who may subscribe.
type Config struct {
	// Permission names what a caller may see: subscriptions are shared by those of
	// whom it says the same.
	Permission func(ctx context.Context) string
	// Carry returns to with what of from Permission is about. Resolvers are given
	// nothing else of a caller.
	Carry func(from, to context.Context) context.Context
	// Still reports whether the credentials that ctx came with are good, and for the
	// same as then. A connection ends when they are not.
	Still        func(ctx context.Context) bool
	RecheckEvery time.Duration
	// OfRequest says in an error whose request ran into it.
	OfRequest func(ctx context.Context, fault *gqlerror.Error) *gqlerror.Error
	// SameOrigin refuses browsers that another site sent here.
	SameOrigin func(r *http.Request) bool
	Log        *slog.Logger
}

// Server serves subscriptions.
type Server struct {
	config  Config
	streams streams
	watches watches
}

// New returns a server without subscribers.
func New(c Config) *Server {
	s := &Server{config: c}
	s.streams.log = c.Log
	s.watches.still, s.watches.every = c.Still, c.RecheckEvery
	return s
}

// Open returns how many subscriptions are open.
func (s *Server) Open() int { return s.streams.subscribers() }

// Streams returns how many streams they share.
func (s *Server) Streams() int { return s.streams.count() }

// Bounds of one connection.
const (
	keepAlive      = 10 * time.Second // between two signs of life to a client
	silentFor      = 3 * keepAlive    // a client without one is taken to be gone
	writeWithin    = 10 * time.Second // how long a client may leave a message unread that the network can't hold
	initWithin     = 10 * time.Second
	maxMessage     = 64 << 10
	maxSubscribed  = 100 // subscriptions over one connection
	maxWaiting     = 100 // answers to one connection that it hasn't read
	maxIDBytes     = 128
	maxStreams     = 10_000 // different subscriptions of one process
	maxSubscribers = 100_000
)

// open checks an operation and joins its stream.
func (s *Server) open(ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams, owner listener) (*subscriber, gqlerror.List) {
	// What one caller sent along must not be seen by those who share with it.
	params = &graphql.RawParams{Query: params.Query, OperationName: params.OperationName, Variables: params.Variables, Extensions: params.Extensions}
	operation, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, exec.DispatchError(graphql.WithOperationContext(ctx, operation), errs).Errors
	}
	if operation.Operation.Operation != ast.Subscription {
		// Who asks is known as of when the connection was opened, perhaps hours ago.
		return nil, s.faults(ctx, controlplane.CodeValidation, "send queries and mutations by POST; this connection takes subscriptions only")
	}
	key, err := keyOf(operation, s.config.Permission(ctx))
	if err != nil {
		return nil, s.faults(ctx, controlplane.CodeValidation, "variables: "+err.Error())
	}
	sub, err := s.streams.join(s.config.Carry(ctx, context.Background()), key, exec, operation, owner)
	if err != nil {
		return nil, s.faults(ctx, controlplane.CodeConflict, err.Error())
	}
	sub.told = func(faults gqlerror.List) []byte {
		own := make(gqlerror.List, len(faults))
		for i, f := range faults {
			own[i] = s.config.OfRequest(ctx, f)
		}
		return encodeErrors(own)
	}
	return sub, nil
}

func (s *Server) faults(ctx context.Context, code controlplane.Code, message string) gqlerror.List {
	return gqlerror.List{s.config.OfRequest(ctx, &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}})}
}
