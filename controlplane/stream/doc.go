// Package stream carries batches from edge to rollup over NATS JetStream, and
// announces what was committed to every control plane over plain NATS.
//
// In come encoded batches; out they go, at least once, in any order. Nothing
// here decides whether usage counts or is safe: a batch that JetStream loses is
// sent again by the filter, and one that it delivers twice is refused by
// Postgres. That the stream turns away copies of what it has only saves work.
//
// It is the only package that imports nats.go and the NATS server.
package stream
