// Command ingest measures how fast Postgres takes usage, on one connection, beside
// an upsert for each request, and writes a table.
//
// It runs a Postgres of its own with the settings of the product, which syncs what
// it commits, and gives each measurement a new database. It takes the measurements
// in turns, several times, so that what else the machine does befalls all alike. A
// delta is an entry of a batch: what one source counted in one flush interval for
// one minute, account, key, endpoint, tier, status and decision.
package main
