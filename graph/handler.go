package graph

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/generated"
	"github.com/weirhq/weir/graph/subscribe"
)

// Bounds of one operation and one connection.
const (
	// As a page of a thousand tiers with all that is shown of them weighs.
	maxComplexity = 250_000
	// Each time all that is kept of unmatched paths is gone through.
	suggestingCosts = 20_000
	maxTokens       = 5_000
	maxBodyBytes    = 1 << 20
	// maxDocumentBytes is for those who may import documents: the largest one, with
	// what JSON adds to it.
	maxDocumentBytes = 8 << 20
	cachedQueries    = 1_000
	queryWithin      = 20 * time.Second
)

// Handler serves /graphql: queries and mutations by POST, queries by GET,
// subscriptions by graphql-transport-ws and by server-sent events. Whoever is not
// signed in gets 401. The server is that of the subscriptions.
func (r *Resolver) Handler() (http.Handler, *subscribe.Server) {
	config := generated.Config{Resolvers: r}
	weigh(&config)
	server := handler.New(generated.NewExecutableSchema(config))
	if r.Observer != nil {
		observe(server, r.Observer)
	}
	subscriptions := r.subscriptions()
	server.AddTransport(subscriptions.Sockets())
	server.AddTransport(subscriptions.Events())
	server.AddTransport(overHTTP{r.DB, r.Log}) // takes what the others leave
	server.SetQueryCache(lru.New[*ast.QueryDocument](cachedQueries))
	server.SetParserTokenLimit(maxTokens)
	server.SetErrorPresenter(presenter(r.Log))
	server.SetRecoverFunc(r.recovered)
	if r.Opaque {
		server.Use(opaque{})
		server.SetDisableSuggestion(true)
		server.SetValidationRulesFn(withoutSuggestions)
	} else {
		server.Use(extension.Introspection{})
	}
	server.Use(extension.AutomaticPersistedQuery{Cache: persisted{lru.New[string](cachedQueries), r.Known}})
	if r.Known != nil {
		server.Use(knownOnly{r.Known})
	}
	server.Use(shape{})
	server.Use(&literals{})
	server.Use(extension.FixedComplexityLimit(maxComplexity))
	server.AroundOperations(r.prepare)
	server.AroundResponses(bound)
	server.AroundRootFields(r.refresh)
	server.AroundFields(counted)
	server.AroundFields(r.permitted)
	server.AroundFields(newTurns().inTurn)
	return signedIn(bounded(server)), subscriptions
}

// prepare gives an operation its loaders, and a query or mutation its time.
func (r *Resolver) prepare(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	ctx = withLoaders(ctx, r.newLoaders(time.Now()))
	if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Operation == ast.Subscription {
		return next(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, queryWithin)
	answer := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		defer cancel()
		return answer(ctx)
	}
}

// refresh gives each field of a mutation loaders of its own, so that it sees what
// the fields before it have changed.
func (r *Resolver) refresh(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		ctx = withLoaders(ctx, r.newLoaders(time.Now()))
	}
	return next(ctx)
}

func (r *Resolver) recovered(ctx context.Context, v any) error {
	return fmt.Errorf("panic: %v\n%s", v, debug.Stack())
}

// bounded refuses a body that says it is too large, and cuts off one that turns
// out to be.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxBodyBytes)
		if held := permit.Held(r.Context()); held.Account == 0 && held.Has(permit.PolicyWrite) {
			most = maxDocumentBytes
		}
		if r.ContentLength > most {
			refuse(w, http.StatusRequestEntityTooLarge, controlplane.CodeValidation, "the request has more than "+strconv.FormatInt(most, 10)+" bytes; send less at once")
			return
		}
		http.MaxBytesHandler(next, most).ServeHTTP(w, r)
	})
}

// refuse answers in the form of GraphQL without asking it.
func refuse(w http.ResponseWriter, status int, code controlplane.Code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"message":%q,"extensions":{"code":%q,"requestId":%q}}]}`, message, code, w.Header().Get("X-Request-Id"))
}

// signedIn refuses those who are not. A WebSocket, too, shows its cookie or
// token in the request that opens it, so nobody unknown gets to send a message.
func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := auth.PrincipalOf(r.Context()); ok {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
		refuse(w, http.StatusUnauthorized, controlplane.CodeUnauthenticated, "sign in first, or send Authorization: Bearer and an API token")
	})
}

// sameOrigin refuses browsers that another site sent here. Scripts send no
// Origin and no cookie.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}
