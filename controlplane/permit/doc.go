// Package permit says who may do what: the permissions, which of them each role
// has, and one table that says what each field of the GraphQL schema and each path
// of the HTTP API takes.
//
// In come the names of fields and paths; out go rules. It is pure and keeps
// nothing; whoever asks brings a [Grant], which package auth makes of a session or
// a token. Package graph enforces the table for GraphQL, package bulk for HTTP. What
// has no entry is refused, and tests fail for a field without one.
package permit
