// Package migrations holds the numbered SQL that makes and changes Weir's
// database. A number that has been released is never edited again, which released.sum
// watches over. They lead one way: whoever wants back restores a backup, which has the
// rows, too; the ways down that the first of them have are never taken.
package migrations

import "embed"

// Files holds the migrations, in goose's format.
//
//go:embed *.sql
var Files embed.FS
