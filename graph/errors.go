package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
)

const codeInternal = "INTERNAL"

// fieldOf writes the path of a list's element, such as limits.0.
func fieldOf(list string, i int) string { return list + "." + strconv.Itoa(i) }

// each reports every one of a caller's mistakes: all but the last as errors of
// their own, the last as the resolver's.
func each(ctx context.Context, err error) error {
	faults := controlplane.Faults(err)
	if len(faults) < 2 {
		return err
	}
	last := len(faults) - 1
	for _, f := range faults[:last] {
		graphql.AddError(ctx, f)
	}
	return faults[last]
}

// presenter turns an error into what the caller is told, with the request's id: the
// whole of it when the mistake is theirs, and nothing but that there was one when it
// is ours.
func presenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	say := sayer(log)
	return func(ctx context.Context, err error) *gqlerror.Error {
		if b := budgetOf(ctx); b != nil && !b.tell() {
			return nil // the one error that says why tells it all
		}
		return ofRequest(ctx, say(ctx, err))
	}
}

// ofRequest returns an error with the id of the request that ran into it.
func ofRequest(ctx context.Context, fault *gqlerror.Error) *gqlerror.Error {
	presented := *fault
	if id := controlplane.ActorOf(ctx).RequestID; id != "" {
		extensions := map[string]any{"requestId": id}
		maps.Copy(extensions, presented.Extensions)
		presented.Extensions = extensions
	}
	return &presented
}

func sayer(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		var presented *gqlerror.Error
		if errors.As(err, &presented) && presented.Err == nil {
			return coded(presented) // the operation itself is at fault; the library says how
		}
		presented = gqlerror.WrapPath(graphql.GetPath(ctx), err)
		if faults := controlplane.Faults(cause(err)); len(faults) > 0 {
			presented.Message = faults[0].Message
			presented.Extensions = map[string]any{"code": faults[0].Code}
			if field := cmp.Or(faults[0].Field, argumentOf(ctx, err)); field != "" {
				presented.Extensions["field"] = field
			}
			if faults[0].Permission != "" {
				presented.Extensions["permission"] = faults[0].Permission
			}
			if faults[0].Code == controlplane.CodeCarriedOut {
				presented.Extensions["objects"] = faults[0].Objects
			}
			if faults[0].Revision > 0 {
				maps.Copy(presented.Extensions, changedSince(ctx, faults[0]))
			}
			return presented
		}
		if errors.Is(err, context.DeadlineExceeded) {
			presented.Message = tookTooLong()
			presented.Extensions = map[string]any{"code": controlplane.CodeTimeout}
			return presented
		}
		if ctx.Err() == nil {
			log.ErrorContext(ctx, "could not answer", "path", graphql.GetPath(ctx).String(), "err", err)
		}
		presented.Message = "something went wrong on our side; try again"
		presented.Extensions = map[string]any{"code": codeInternal}
		return presented
	}
}

// coded gives a fault of the library's that has no code the one of a wrong input.
func coded(fault *gqlerror.Error) *gqlerror.Error {
	if fault.Extensions["code"] != nil {
		return fault
	}
	told := *fault
	told.Extensions = map[string]any{"code": controlplane.CodeValidation}
	maps.Copy(told.Extensions, fault.Extensions)
	return &told
}

// argumentOf is where in a field's arguments a scalar is at fault, as errors name
// fields; empty for what isn't at fault there.
func argumentOf(ctx context.Context, err error) string {
	var deepest ast.Path
	var wrapped *gqlerror.Error
	for errors.As(err, &wrapped) {
		if len(wrapped.Path) > len(deepest) {
			deepest = wrapped.Path
		}
		err = wrapped.Err
	}
	above := len(graphql.GetPath(ctx))
	if len(deepest) <= above {
		return ""
	}
	names := make([]string, 0, len(deepest))
	for _, part := range deepest[above:] {
		names = append(names, fmt.Sprint(part))
	}
	return plainField(strings.Join(names, "."))
}

// changedSince is what a stale edit is told. Whoever sees one account only doesn't learn
// who the operator's people are.
func changedSince(ctx context.Context, fault *controlplane.Error) map[string]any {
	told := map[string]any{"revision": fault.Revision}
	if fault.ChangedBy != "" {
		told["changedAt"] = fault.ChangedAt.UTC().Format(time.RFC3339)
		if permit.Held(ctx).Account == 0 {
			told["changedBy"] = fault.ChangedBy
		}
	}
	if len(fault.Changed) > 0 {
		changed := make([]map[string]any, len(fault.Changed))
		for i, c := range fault.Changed {
			changed[i] = map[string]any{"path": c.Path, "before": c.Before, "after": c.After}
		}
		told["changed"] = changed
	}
	return told
}

// cause takes off what the library wrapped around a resolver's error.
func cause(err error) error {
	var wrapped *gqlerror.Error
	for errors.As(err, &wrapped) && wrapped.Err != nil {
		err = wrapped.Err
	}
	return err
}
