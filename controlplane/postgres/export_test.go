package postgres

// MigrateTo is Migrate with the migrations of another build.
var MigrateTo = (*DB).migrate
