package controlplane

import "context"

// ActorKind is what kind of actor did something.
type ActorKind string

// The kinds of actors.
const (
	ActorSystem ActorKind = "SYSTEM" // Weir itself: a loop, the command at its start
	ActorMember ActorKind = "MEMBER"
	ActorToken  ActorKind = "TOKEN" // an API token
)

// Actor is who does something, as the audit log names them.
type Actor struct {
	Kind ActorKind
	ID   ID     // of the member or token; 0 for the system
	Name string // as it was at the time
	// RequestID is that of the request in which it is done; empty outside of one.
	RequestID string
}

type actorKey struct{}

// WithActor returns a context in which a acts.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns who acts in ctx: the system unless WithActor said otherwise.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorSystem, Name: "weir"}
}
