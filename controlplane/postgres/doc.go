// Package postgres keeps the nouns in Postgres: policy (tiers, limits,
// accounts, keys, endpoints), usage, and who may sign in.
//
// In come valid nouns, decoded batches and reports of leases; out go nouns, and a
// caller's mistakes as [controlplane.Error]. Every method that writes does so in
// one transaction, but for [DB.ReportLeases], which opens periods in one before;
// some that read take several statements, each as of its own moment. A change of
// policy raises the policy's version and notifies in the same transaction, so no
// change goes unnoticed. A batch's counts and its identity are committed
// together, so no batch counts twice.
//
// It is the only package that imports pgx.
package postgres
