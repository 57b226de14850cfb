// Package postgres runs a Postgres server as a child of this process, for those
// who run none.
//
// In come the directory of Postgres's programs and a data directory; out comes
// the URL of a database that only that URL's password opens, from this machine
// only. On an empty data directory it makes the database first. Whatever was
// committed survives a crash of this process, of Postgres or of the machine;
// when this process dies, Postgres shuts down.
//
// A data directory holds:
//
//	lock        taken by the process that runs a server on it
//	password    of the role weir, readable by its owner only
//	cluster/    Postgres's own files
//
// Postgres refuses to run as root. Root's server therefore runs in a user
// namespace, where root's files belong to an ordinary user, or, on machines that
// forbid those, as the user postgres or nobody. Who owns cluster/ tells which.
package postgres
