package graph

import (
	"context"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/generated"
)

// operations executes operations that nobody sent, in the way of those that
// somebody did: with the same permissions, checks and errors.
func (r *Resolver) operations() *executor.Executor {
	r.inner.Do(func() {
		r.executor = executor.New(generated.NewExecutableSchema(generated.Config{Resolvers: r}))
		r.executor.SetErrorPresenter(presenter(r.Log))
		r.executor.SetRecoverFunc(r.recovered)
		r.executor.AroundOperations(r.prepare)
		r.executor.AroundResponses(bound)
		r.executor.AroundRootFields(r.refresh)
		r.executor.AroundFields(counted)
		r.executor.AroundFields(r.permitted)
	})
	return r.executor
}

// errInternal is an error of ours, which the log has.
var errInternal = errors.New("something went wrong on our side")

// errTookTooLong is of a change that a later try may make, so it is nobody's mistake.
var errTookTooLong = errors.New("it took too long and was given up")

// carry executes a mutation with its argument, by whoever asks in ctx. A caller's
// mistake comes back as a controlplane.Error.
func (r *Resolver) carry(ctx context.Context, field string, input any) error {
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: r}).Schema()
	definition := schema.Mutation.Fields.ForName(field)
	if definition == nil || len(definition.Arguments) == 0 {
		return controlplane.Conflict("", "there is no change %s any more", field)
	}
	argument := definition.Arguments[0]
	params := &graphql.RawParams{
		Query:     fmt.Sprintf(`mutation($value:%s){%s(%s:$value){__typename}}`, argument.Type, field, argument.Name),
		Variables: map[string]any{"value": input},
	}
	ctx = graphql.StartOperationTrace(ctx)
	operation, faults := r.operations().CreateOperationContext(ctx, params)
	if len(faults) > 0 {
		return controlplane.Invalid(field, "%s", faults[0].Message)
	}
	answer, ctx := r.operations().DispatchOperation(ctx, operation)
	response := answer(ctx)
	if len(response.Errors) == 0 {
		return nil
	}
	var errs []error
	for _, e := range response.Errors {
		if e.Extensions["code"] == codeInternal {
			return errInternal
		}
		text := func(key string) string {
			if v, ok := e.Extensions[key]; ok {
				return fmt.Sprint(v)
			}
			return ""
		}
		errs = append(errs, &controlplane.Error{Code: controlplane.Code(text("code")), Field: text("field"), Message: e.Message, Permission: text("permission")})
	}
	return errors.Join(errs...)
}

// CarryOut makes a scheduled change as whoever scheduled it, with the rights that
// they have now. It is the caller's mistake where the error says so. The audit log has the change's id in place of a request's.
func (r *Resolver) CarryOut(ctx context.Context, c controlplane.ScheduledChange) error {
	p, ok, err := r.Auth.PrincipalFor(ctx, c.By)
	switch {
	case err != nil:
		return err
	case !ok:
		return &controlplane.Error{Code: controlplane.CodeForbidden, Message: c.By.Name + " may not sign in any more, or is revoked"}
	}
	input, err := decoded(c.Input)
	if err != nil {
		return err
	}
	ctx = controlplane.WithActor(ctx, controlplane.Actor{RequestID: controlplane.KindSchedule.Format(c.ID)})
	err = r.carry(auth.With(ctx, p), c.Field, input)
	for _, fault := range controlplane.Faults(err) {
		if fault.Code == controlplane.CodeTimeout {
			return errTookTooLong
		}
	}
	return err
}

// mayChange refuses a field of Mutation to those who may not have it.
func mayChange(ctx context.Context, field string) error {
	rule, ok := permit.Field("Mutation", field)
	if !ok {
		return fmt.Errorf("the table of permissions has no Mutation.%s", field)
	}
	return rule.Check(permit.Held(ctx))
}
