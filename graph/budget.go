package graph

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
)

// Bounds of one answer, or of one event of a subscription, whatever its operation was
// weighed at. The largest that the weights let through has about maxComplexity fields.
const (
	maxFields      = 2 * maxComplexity
	maxAnswerBytes = 32 << 20
	maxErrors      = 1_000
)

// codeComplexity is the library's for an operation that weighs too much.
const codeComplexity = "COMPLEXITY_LIMIT_EXCEEDED"

// budget is what one answer may still take. Once that is spent, or nobody waits for the
// answer any more, every further field fails at once, so that what runs unwinds.
type budget struct {
	over                  func() error // of who waits; nil: to be carried out to its end
	fields, bytes, errors atomic.Int64
	fault                 atomic.Pointer[controlplane.Error]
}

// errSpent is what a field fails with; the operation's one error says why.
var errSpent = &controlplane.Error{Code: codeComplexity, Message: "the operation's bound is reached"}

func spend(b *budget, code controlplane.Code, message string) error {
	b.fault.CompareAndSwap(nil, &controlplane.Error{Code: code, Message: message})
	return errSpent
}

// take takes what a field, or its value, adds to the answer.
func (b *budget) take(fields, bytes int) error {
	switch {
	case b.fault.Load() != nil:
		return errSpent
	case b.fields.Add(int64(fields)) > maxFields:
		return spend(b, codeComplexity, "the answer would have more than 500,000 fields; ask for less at once, or by pages")
	case b.bytes.Add(int64(bytes)) > maxAnswerBytes:
		return tooManyBytes(b)
	case b.over != nil && b.over() != nil:
		return spend(b, controlplane.CodeTimeout, tookTooLong())
	}
	return nil
}

func tooManyBytes(b *budget) error {
	return spend(b, codeComplexity, "the answer would have more than 32 MiB; ask for less at once, or by pages")
}

// tell reports whether one more error is to be told.
func (b *budget) tell() bool {
	if b.fault.Load() == nil && b.errors.Add(1) > maxErrors {
		_ = spend(b, codeComplexity, "the operation has more than 1,000 errors; ask for less at once")
	}
	return b.fault.Load() == nil
}

func tookTooLong() string {
	return "this took longer than " + queryWithin.String() + " and was given up; ask for less at once, or try again later"
}

type budgetKey struct{}

// budgetOf returns nil for what is not part of an answer.
func budgetOf(ctx context.Context) *budget {
	b, _ := ctx.Value(budgetKey{}).(*budget)
	return b
}

// bound gives each answer its budget. What a mutation did is told even when the answer
// to it is too large.
func bound(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	b := &budget{over: ctx.Err}
	mutation := kindOf(ctx) == string(ast.Mutation)
	if mutation {
		b.over = nil
	}
	response := next(context.WithValue(ctx, budgetKey{}, b))
	if response == nil {
		return nil
	}
	if len(response.Data) > maxAnswerBytes {
		_ = tooManyBytes(b)
	}
	if fault := b.fault.Load(); fault != nil {
		response.Errors = gqlerror.List{ofRequest(ctx, &gqlerror.Error{Message: fault.Message, Extensions: map[string]any{"code": fault.Code}})}
		if !mutation {
			response.Data = nil
		}
	}
	return response
}

// counted takes a field out of its answer's budget.
func counted(ctx context.Context, next graphql.Resolver) (any, error) {
	b := budgetOf(ctx)
	if b == nil {
		return next(ctx)
	}
	if err := b.take(1, len(graphql.GetFieldContext(ctx).Field.Alias)); err != nil {
		return nil, err
	}
	value, err := next(ctx)
	if err != nil {
		return nil, err
	}
	// A list that is here only now is not gone through any more.
	if err := b.take(0, sizeOf(value)); err != nil {
		return nil, err
	}
	return value, nil
}

// sizeOf is how many bytes a value adds to an answer, of those that can be many.
func sizeOf(value any) (n int) {
	switch value := value.(type) {
	case string:
		return len(value)
	case *string:
		if value != nil {
			return len(*value)
		}
	case json.RawMessage:
		return len(value)
	case []string:
		for _, s := range value {
			n += len(s)
		}
	}
	return n
}
