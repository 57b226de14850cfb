package graph

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/idempotency"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// attemptWithin is for how long a mutation with an Idempotency-Key may run: longer
// than an operation has, so that none runs on when another attempt takes over.
const attemptWithin = queryWithin + 10*time.Second

// statusOf is what an error of a key is in HTTP, as the draft of the header has it.
func statusOf(err error) int {
	faults := controlplane.Faults(err)
	if len(faults) == 0 {
		return http.StatusInternalServerError
	}
	switch faults[0].Code {
	case controlplane.CodeIdempotencyMismatch:
		return http.StatusUnprocessableEntity
	case controlplane.CodeConflict, controlplane.CodeCarriedOut:
		return http.StatusConflict
	case controlplane.CodeForbidden:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// once carries out a mutation unless that was done for its Idempotency-Key before:
// then it answers what was answered then.
func (o overHTTP) once(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, operation *graphql.OperationContext) {
	ctx := r.Context()
	answer, replayed, err := o.answerOnce(ctx, r.Header.Values(idempotency.Header), exec, operation)
	if err != nil {
		presented := exec.DispatchError(graphql.WithOperationContext(ctx, operation), gqlerror.List{gqlerror.Wrap(err)})
		o.reject(w, statusOf(err), presented.Errors)
		return
	}
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	_, _ = w.Write(answer) // who doesn't take it may ask again
}

func (o overHTTP) answerOnce(ctx context.Context, values []string, exec graphql.GraphExecutor, operation *graphql.OperationContext) (answer []byte, replayed bool, err error) {
	key, err := idempotency.Parse(values)
	if err != nil {
		return nil, false, err
	}
	body, err := digestOf(operation, permit.Held(ctx).Account)
	if err != nil {
		return nil, false, err
	}
	claim, kept, err := o.db.ClaimKey(ctx, key.Digest(), body, attemptWithin)
	switch {
	case err != nil:
		return nil, false, err
	case claim == nil && stillMay(ctx, operation) != nil:
		return nil, false, stillMay(ctx, operation)
	case claim == nil && kept.Sealed == nil:
		return nil, false, &controlplane.Error{
			Code: controlplane.CodeCarriedOut, Field: idempotency.Header, Objects: kept.Objects,
			Message: "the request with this key was begun, and its answer is lost: of one mutation all was carried out, of several at least the first, of a bulk change at least this; read what it changed",
		}
	case claim == nil:
		answer, err = key.Open(kept.Sealed, body[:])
		return answer, true, err
	}
	respond, ctx := exec.DispatchOperation(postgres.WithClaim(ctx, claim), operation)
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(respond(ctx)); err != nil {
		return nil, false, fmt.Errorf("write an answer: %w", err)
	}
	o.keep(ctx, key, claim, text.Bytes(), body)
	return text.Bytes(), false, nil
}

// stillMay refuses an answer that was kept to those who may not ask for it any more.
func stillMay(ctx context.Context, operation *graphql.OperationContext) error {
	for _, f := range graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Mutation"}) {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		if err := mayChange(ctx, f.Name); err != nil {
			return err
		}
	}
	return nil
}

// keep stores an answer. When that fails, whoever asks again is told that the request
// was carried out; this one is answered all the same.
func (o overHTTP) keep(ctx context.Context, key idempotency.Key, claim *postgres.Claim, answer []byte, body [sha256.Size]byte) {
	sealed, err := key.Seal(answer, body[:])
	if err == nil {
		err = o.db.EndClaim(context.WithoutCancel(ctx), claim, sealed)
	}
	if err != nil {
		o.log.ErrorContext(ctx, "could not keep an answer", "err", err)
	}
}

// digestOf is the same for the same operation with the same variables, by somebody who is
// bound to the same account.
func digestOf(operation *graphql.OperationContext, account controlplane.ID) ([sha256.Size]byte, error) {
	text, err := json.Marshal([]any{operation.RawQuery, operation.OperationName, operation.Variables, account})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("read an operation's variables: %w", err)
	}
	return sha256.Sum256(text), nil
}
