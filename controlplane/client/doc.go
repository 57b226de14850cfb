// Package client speaks with a control plane over HTTP: GraphQL, exports and imports.
//
// In comes where the control plane is and an API token; out come typed answers. The
// operations are in operations, and operations_gen.go is made of them and the schema
// by go generate; what they return is never nil, also with an error. Nothing is kept
// here: a call that failed has either not been made, or nobody knows whether it was.
//
// The token goes to the control plane and nowhere else: redirects are not followed,
// and without TLS it goes to this machine only, unless that is asked for.
package client

//go:generate go tool -modfile=../../tools/go.mod genqlient genqlient.yaml
