// Package envoy runs an Envoy as a child of this process.
//
// In come a binary and a configuration file; out comes an Envoy that serves. It
// is stopped in three steps, so that no usage is lost on the way: it stops
// taking connections, finishes its requests, and the filter hands over what it
// has counted; only then does it end. When this process dies, so does Envoy,
// with at most a flush interval of usage.
package envoy
