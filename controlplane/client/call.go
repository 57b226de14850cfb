package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
)

// Bounds of one call.
const (
	attempts       = 4
	firstWait      = 200 * time.Millisecond // doubles with each attempt
	longestWait    = 30 * time.Second       // that an answer may ask for
	maxAnswerBytes = 64 << 20
)

// MakeRequest runs an operation. What got no answer, or one that says to come back
// later, is asked again: a mutation under the same Idempotency-Key, by which the control
// plane carries it out once.
func (c *Client) MakeRequest(ctx context.Context, req *graphql.Request, resp *graphql.Response) error {
	variables, err := withoutBlanks(req.Variables)
	if err != nil {
		return fmt.Errorf("write the variables of %s: %w", req.OpName, err)
	}
	body, err := json.Marshal(map[string]any{"query": req.Query, "operationName": req.OpName, "variables": variables})
	if err != nil {
		return fmt.Errorf("write %s: %w", req.OpName, err)
	}
	key := ""
	if strings.HasPrefix(strings.TrimSpace(req.Query), "mutation") {
		key = rand.Text()
	}
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := c.post(ctx, body, key, resp.Data)
		var later *laterError
		if err == nil || !errors.As(err, &later) || attempt == attempts || ctx.Err() != nil {
			return err
		}
		if err := c.wait(ctx, max(wait, min(later.after, longestWait))); err != nil {
			return err
		}
		wait *= 2
	}
}

// laterError is a call that may be made again: it got no answer, or a refusal that
// says nothing was done.
type laterError struct {
	err   error
	after time.Duration // what the answer asked for; 0: nothing
}

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

func (c *Client) post(ctx context.Context, body []byte, key string, data any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := c.request(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json, application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return &laterError{err: c.unreached(err)}
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
	if err != nil {
		return &laterError{err: c.unreached(err)}
	}
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &laterError{err: c.refused(answer, content), after: retryAfter(answer)}
	}
	return c.read(answer, content, data)
}

func (c *Client) read(answer *http.Response, content []byte, data any) error {
	var reply struct {
		Data   json.RawMessage
		Errors []graphqlError
	}
	if err := json.Unmarshal(content, &reply); err != nil || reply.Data == nil && reply.Errors == nil {
		return c.refused(answer, content)
	}
	if len(reply.Errors) > 0 {
		return errorOf(reply.Errors)
	}
	if err := json.Unmarshal(reply.Data, data); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	return nil
}

// request makes a request to a path, which may have a query, with the token.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.base, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("User-Agent", "weir")
	return r, nil
}

func (c *Client) unreached(errs ...error) error {
	return fmt.Errorf("reach the control plane at %s: %w", c.base, errors.Join(errs...))
}

func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// withoutBlanks leaves out of variables what is null or an empty text: so a field that
// has a default in the schema gets it, also one that these operations don't know of yet.
func withoutBlanks(variables any) (any, error) {
	text, err := json.Marshal(variables)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	err = decoder.Decode(&value)
	return pruned(value), err
}

func pruned(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if field == nil || field == "" {
				delete(v, name)
				continue
			}
			v[name] = pruned(field)
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return value
}
