// Package postgres keeps the nouns in Postgres: policy (tiers, limits,
// accounts, keys, endpoints), usage, and who may sign in.
//
// In come valid nouns, decoded batches and reports of leases; out go nouns, and a
// caller's mistakes as [controlplane.Error]. Every method that writes does so in
// one transaction, but for [DB.ReportLeases], which opens periods in one before;
// some that read take several statements, each as of its own moment. A change of
// policy raises the policy's version and notifies in the same transaction, so no
// change goes unnoticed. A batch's counts and its identity are committed
// together, so no batch counts twice. What changes policy,
// corrects usage or lets people in adds a record to the audit log in its own
// transaction, at the end, under a lock that makes the records one chain.
//
// Usage is kept in four levels, by the minute, hour, day and month in UTC, each
// the exact sum of the finer one. Days and months by the time zones of accounts are
// those in UTC and what the zone shifts from one date to another, in tables of
// their own; the views usage_local_day and usage_local_month add the two, for every
// account: those on UTC cost nothing to write, and nothing else to read. A level's
// tables are partitioned by time. Partitions are made ahead or on demand, and
// dropped when they are older than the level's retention, without a lock that a
// commit would wait for; what comes later is in the coarser levels only.
//
// What a crash leaves: all of a transaction, or nothing of it. A drop of a
// partition takes several; one that was cut short is finished by the next.
//
// It is the only package that imports pgx.
package postgres
