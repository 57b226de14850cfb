// Command queries measures what the dashboard asks, over HTTP, on a data set of
// 1,000 accounts × 20 endpoints with ten million rows by the minute and a year by
// the hour.
//
// It makes the data set in a Postgres of its own, in some minutes and some 20 GB
// of disk, or uses the one that an earlier run with the same -data left. It takes
// the GraphQL documents from the dashboard's source, asks each question many times
// in turn, and writes a table of times and of processor time. Postgres has the
// settings that the control plane's own has.
package main
