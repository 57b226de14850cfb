package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"

	"github.com/weirhq/weir/controlplane/retry"
)

// Bounds of one call.
const (
	// attempts of a call before the control plane has answered anything: of a mistyped
	// URL people hear within seconds.
	attempts       = 4
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
	return c.again(ctx, nil, func() (bool, error) { return false, c.post(ctx, body, key, resp.Data) })
}

// again does something until it is done, or fails in a way that may not pass, or has
// failed for too long since it came further. A transfer, which is nil for a call, goes on
// for [retry.Within], and so does a call once the control plane has answered: by then it
// is known to be there, and is being started anew.
func (c *Client) again(ctx context.Context, transfer *download, do func() (further bool, err error)) error {
	var pace retry.Pace
	for {
		further, err := do()
		if further {
			pace.Progress()
		}
		var later *laterError
		if err == nil || !errors.As(err, &later) || ctx.Err() != nil {
			return err
		}
		if pace.Attempts = attempts; transfer != nil || c.met.Load() {
			pace.Attempts = 0
		}
		try, again := pace.Next(c.now(), c.random(), later.after)
		switch {
		case !again && later.after > 0:
			return fmt.Errorf("%w; the control plane asks to come back in %s", err, later.after)
		case !again && pace.Attempts == 0:
			return fmt.Errorf("%w; it was tried again for %s and came no further", err, retry.Within)
		case !again:
			return err
		}
		told := Retry{Err: err, Wait: try.After, Transfer: transfer != nil}
		if pace.Attempts == 0 {
			told.Left = try.Left
		}
		if transfer != nil {
			told.Bytes = transfer.bytes
		}
		c.tell(told)
		if err := c.wait(ctx, try.After); err != nil {
			return err
		}
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
		return c.unanswered(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
	if err != nil {
		return &laterError{err: c.unreached(err)}
	}
	if later(answer) {
		return &laterError{err: c.refused(answer, content), after: retryAfter(answer)}
	}
	err = c.read(answer, content, data)
	var refused *Error
	if errors.As(err, &refused) && slices.ContainsFunc(refused.Faults, func(f Fault) bool { return f.Code == "CONFLICT" && f.Field == "Idempotency-Key" }) {
		return &laterError{err: err} // an attempt that got no answer is still being carried out
	}
	return err
}

// later says whether an answer is to come back later.
func later(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *Client) read(answer *http.Response, content []byte, data any) error {
	var reply struct {
		Data   json.RawMessage
		Errors []graphqlError
	}
	if err := json.Unmarshal(content, &reply); err != nil || reply.Data == nil && reply.Errors == nil {
		return c.refused(answer, content)
	}
	c.met.Store(true)
	if len(reply.Errors) > 0 {
		return c.errorOf(reply.Errors)
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

// unanswered is the error of a call that got no answer. Who is not who they should be,
// or speaks no TLS, will be neither later on.
func (c *Client) unanswered(err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return c.unreached(err)
	case !errors.As(err, &certificate):
		return &laterError{err: c.unreached(err)}
	}
	if unknown := new(x509.UnknownAuthorityError); !errors.As(err, unknown) {
		return c.unreached(err)
	}
	trusted := "nobody whom this system trusts"
	if c.caFile != "" {
		trusted = "none of those in " + c.caFile
	}
	return fmt.Errorf("%w; its certificate is signed by %s: give the certificate of who signed it with --ca or WEIR_CA", c.unreached(err), trusted)
}

// retryAfter is how long an answer asks to wait: in seconds, or until a time by its own
// clock; 0 for nothing that can be read.
func retryAfter(answer *http.Response) time.Duration {
	asked := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(asked, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err1 := http.ParseTime(asked)
	now, err2 := http.ParseTime(answer.Header.Get("Date"))
	if errors.Join(err1, err2) != nil {
		return 0
	}
	return max(0, until.Sub(now))
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
