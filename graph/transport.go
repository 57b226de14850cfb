package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/idempotency"
	"github.com/weirhq/weir/controlplane/postgres"
)

// The media types of an answer.
const (
	typeJSON    = "application/json"
	typeGraphQL = "application/graphql-response+json"
)

// overHTTP takes queries and mutations by POST and queries by GET, as the GraphQL
// over HTTP specification (https://graphql.github.io/graphql-over-http/draft/)
// has it. It takes every request that reaches it, and says what is wrong with one
// that it can't answer. It repeats nothing of what it was sent.
type overHTTP struct {
	db  *postgres.DB
	log *slog.Logger
}

// Supports implements graphql.Transport.
func (overHTTP) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") == "" }

// Do implements graphql.Transport.
func (o overHTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	start := graphql.Now()
	params, fault := read(r)
	if fault != nil {
		if fault.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, POST")
		}
		fault.answer(w)
		return
	}
	params.Headers, params.ReadTime = r.Header, graphql.TraceTiming{Start: start, End: graphql.Now()}
	mediaType := answerType(r.Header.Values("Accept"))
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	operation, errs := exec.CreateOperationContext(r.Context(), params)
	if len(errs) > 0 {
		presented := exec.DispatchError(graphql.WithOperationContext(r.Context(), operation), errs)
		o.reject(w, http.StatusBadRequest, presented.Errors)
		return
	}
	if r.Method == http.MethodGet && operation.Operation.Operation != ast.Query {
		w.Header().Set("Allow", http.MethodPost)
		refused(http.StatusMethodNotAllowed, "GET takes queries only; send a "+string(operation.Operation.Operation)+" by POST").answer(w)
		return
	}
	if operation.Operation.Operation == ast.Mutation && len(r.Header.Values(idempotency.Header)) > 0 {
		o.once(w, r, exec, operation)
		return
	}
	answer, ctx := exec.DispatchOperation(r.Context(), operation)
	write(w, answer(ctx))
}

// reject answers an operation that didn't run. That has no data, not even null (7.1 of
// the GraphQL specification), and is only in the newer media type an error of HTTP.
func (overHTTP) reject(w http.ResponseWriter, status int, errs gqlerror.List) {
	if strings.HasPrefix(w.Header().Get("Content-Type"), typeGraphQL) {
		w.WriteHeader(status)
	}
	write(w, struct {
		Errors gqlerror.List `json:"errors"`
	}{errs})
}

// badRequest is a request that isn't one of GraphQL.
type badRequest struct {
	status  int
	message string
}

func refused(status int, message string) *badRequest { return &badRequest{status, message} }

func (b *badRequest) answer(w http.ResponseWriter) {
	refuse(w, b.status, controlplane.CodeValidation, b.message)
}

// read takes an operation out of a request.
func read(r *http.Request) (*graphql.RawParams, *badRequest) {
	switch r.Method {
	case http.MethodGet:
		return readQuery(r)
	case http.MethodPost:
		return readBody(r)
	}
	return nil, refused(http.StatusMethodNotAllowed, "send GET or POST")
}

func readQuery(r *http.Request) (*graphql.RawParams, *badRequest) {
	asked, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "the query string: "+err.Error()+"; percent-encode its names and values")
	}
	params := &graphql.RawParams{Query: asked.Get("query"), OperationName: asked.Get("operationName")}
	for name, to := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := asked.Get(name); text != "" && decode(strings.NewReader(text), to) != nil {
			return nil, refused(http.StatusBadRequest, name+": want a JSON object")
		}
	}
	return withQuery(params)
}

func readBody(r *http.Request) (*graphql.RawParams, *badRequest) {
	mediaType, attributes, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := attributes["charset"]; err != nil || mediaType != typeJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, refused(http.StatusUnsupportedMediaType, "Content-Type: want "+typeJSON)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, refused(http.StatusRequestEntityTooLarge, "the request is too large; send less at once")
		}
		return nil, refused(http.StatusBadRequest, "the request's body ended early")
	}
	params := new(graphql.RawParams)
	if err := decode(bytes.NewReader(body), params); err != nil {
		if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) && wrong.Field != "" {
			return nil, refused(http.StatusBadRequest, wantedOf(wrong.Field))
		}
		return nil, refused(http.StatusBadRequest, "the request's body isn't one JSON object with query, operationName, variables and extensions")
	}
	return withQuery(params)
}

// wantedOf says what a field of the body has to be.
func wantedOf(field string) string {
	field, _, _ = strings.Cut(field, ".")
	if field == "query" || field == "operationName" {
		return field + ": want a string"
	}
	return field + ": want a JSON object"
}

func withQuery(params *graphql.RawParams) (*graphql.RawParams, *badRequest) {
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		return nil, refused(http.StatusBadRequest, "query: want the text of an operation")
	}
	return params, nil
}

// decode reads one JSON value that nothing follows, and keeps numbers as written.
func decode(r io.Reader, to any) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// answerType picks the media type of an answer: that of GraphQL for who names it
// before JSON, JSON for who names that or anything, and that of GraphQL for all
// others, who get it though they didn't ask for it.
func answerType(accept []string) string {
	listed := strings.Join(accept, ",")
	if strings.TrimSpace(listed) == "" {
		return typeJSON
	}
	for part := range strings.SplitSeq(listed, ",") {
		mediaType, attributes, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil || attributes["q"] == "0" {
			continue
		}
		switch mediaType {
		case typeGraphQL:
			return typeGraphQL
		case typeJSON, "application/*", "*/*":
			return typeJSON
		}
	}
	return typeGraphQL
}

// write writes an answer. Who doesn't take it any more has gone away.
func write(w http.ResponseWriter, answer any) {
	_ = json.NewEncoder(w).Encode(answer)
}
