// Package bulk moves usage in and out by HTTP, row by row, any number of rows.
//
// Exports answer GET /api/v1/usage.csv, .ndjson and .parquet with the rows of one
// moment. What is held of them is a few thousand rows, whatever their number. A
// whole answer ends as HTTP says and has the trailer Weir-Rows, the number of
// rows; when something goes wrong under way, the connection is cut instead.
//
// Whoever has the beginning of an export that was cut off says so in Weir-Have, and
// is sent the rest, if the export still begins with that.
//
// The audit log, or what a filter finds in it, is exported in the same way by GET
// /api/v1/audit.csv and .ndjson, oldest first, with where the log ends in the header
// field Weir-Audit-Head.
//
// Imports take POST /api/v1/usage/imports and commit rows as they come. A row
// that was taken stays, also when the connection is cut: whoever sends the same
// rows again adds nothing, because each has an id of the sender's.
//
// Nothing is kept here. Whoever is not signed in gets 401, and other sites can't
// make a browser do either: the session's cookie is not sent along from there,
// and the guard around all of the public listener refuses it.
package bulk
