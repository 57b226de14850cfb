package postgres

// MigrateTo is Migrate with the migrations of another build.
var MigrateTo = (*DB).migrate

// Bound makes the room of a database small.
func Bound(db *DB, keys, accountKeys, endpoints int) { db.room = room{keys, accountKeys, endpoints} }
