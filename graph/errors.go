package graph

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
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
		presented := *say(ctx, err)
		if id := controlplane.ActorOf(ctx).RequestID; id != "" {
			extensions := map[string]any{"requestId": id}
			maps.Copy(extensions, presented.Extensions)
			presented.Extensions = extensions
		}
		return &presented
	}
}

func sayer(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		var presented *gqlerror.Error
		if errors.As(err, &presented) && presented.Err == nil {
			return presented // the operation itself is at fault; the library says how
		}
		presented = gqlerror.WrapPath(graphql.GetPath(ctx), err)
		if faults := controlplane.Faults(cause(err)); len(faults) > 0 {
			presented.Message = faults[0].Message
			presented.Extensions = map[string]any{"code": faults[0].Code}
			if faults[0].Field != "" {
				presented.Extensions["field"] = faults[0].Field
			}
			if faults[0].Permission != "" {
				presented.Extensions["permission"] = faults[0].Permission
			}
			if faults[0].Code == controlplane.CodeCarriedOut {
				presented.Extensions["objects"] = faults[0].Objects
			}
			if len(faults[0].Changed) > 0 {
				maps.Copy(presented.Extensions, changedSince(faults[0]))
			}
			return presented
		}
		if errors.Is(err, context.DeadlineExceeded) {
			presented.Message = "this took longer than " + queryWithin.String() + " and was given up; ask for less at once, or try again later"
			presented.Extensions = map[string]any{"code": controlplane.CodeTimeout}
			return presented
		}
		if ctx.Err() == nil {
			log.Error("could not answer", "request", controlplane.ActorOf(ctx).RequestID, "path", graphql.GetPath(ctx).String(), "err", err)
		}
		presented.Message = "something went wrong on our side; try again"
		presented.Extensions = map[string]any{"code": codeInternal}
		return presented
	}
}

// changedSince is what a stale edit is told.
func changedSince(fault *controlplane.Error) map[string]any {
	var changed []any
	for _, c := range fault.Changed {
		changed = append(changed, map[string]any{"path": c.Path, "before": c.Before, "after": c.After})
	}
	return map[string]any{"changed": changed, "changedBy": fault.ChangedBy, "changedAt": fault.ChangedAt.UTC().Format(time.RFC3339)}
}

// cause takes off what the library wrapped around a resolver's error.
func cause(err error) error {
	var wrapped *gqlerror.Error
	for errors.As(err, &wrapped) && wrapped.Err != nil {
		err = wrapped.Err
	}
	return err
}
