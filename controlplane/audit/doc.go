// Package audit is the form of the audit log: what a record says, how it is
// hashed, and whether a run of records is whole.
//
// In come entries, which say what a change was, and records that were read back;
// out go records that continue a chain, and the first place where a chain is
// broken. It is pure: the store is controlplane/postgres, which writes each record
// in the transaction of the change that it is about.
//
// Each record has the hash of the one before it and its own, which is the SHA-256
// of the record's canonical JSON (RFC 8785) with everything in it but that hash.
// So whoever changes, drops, adds or reorders a record has to change every later
// one, and the head of the chain. Cut off at its end, a chain looks whole: only an
// anchor, a place and its hash that was kept elsewhere, shows that.
package audit
