// Command queries measures the dashboard's queries, over HTTP, on a data set of
// 1,000 accounts × 20 endpoints with ten million rows by the minute and a year by
// the hour.
//
// It makes the data set with COPY in a Postgres of its own, or uses the one that
// an earlier run with the same -data left, asks each query many times in turn, and
// writes a table of percentiles. Postgres has its default settings but for those
// that the table names.
package main
