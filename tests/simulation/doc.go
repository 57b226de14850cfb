// Package simulation runs the way of usage from the filter's meter to the
// database in virtual time, from a seed, with faults, and checks that every
// request that was counted is in the database once.
//
// In comes a seed, out comes whether a promise was broken, and a trace. Nothing
// survives a run, and nothing but the seed decides how it goes: one thread, one
// source of randomness, no clock. So a seed that fails once fails always.
//
// What is real, and what is a model:
//
//	filter   plugin/meter, plugin/wire        the VM around it, its clocks
//	  │ ▲                                     the network: slow, cut, lossy, with copies, reordered, wrong bits
//	  ▼ │
//	edge     controlplane/edge.TakeUsage      the process: crashes at any step, pauses
//	  │                                       the log: redelivers, loses what it hadn't synced or all, is full, has wrong bits
//	  ▼
//	rollup   controlplane/rollup.Gather,      the process, of which there are two
//	  │      Worker.Round
//	  ▼
//	store    controlplane/usage               Postgres: rolls back, commits unheard, is full, fails over to a standby that lags
//	  ▲
//	  ├── sweep        usage.Source.Account   what it reads and writes
//	  └── corrections  usage.Terms.RollUp     the caller, who asks until he hears that they are made
//
// Some runs have filters that are short of memory, so that they fold what they
// keep in an outage.
//
// Real code that waits runs as a task: a coroutine that gives way when it calls
// one of its interfaces, and is resumed when virtual time has come to the
// answer. That is also where its process may crash.
//
// Each run has some of the faults only (see plan). After a while they cease, and
// within drainWithin everything has to be committed, and known to be. The audit
// checks on the way and at the end:
//
//   - A frozen batch never changes, sequences have no gaps, and a meter holds
//     exactly what it counted and was not told is committed, in few batches.
//   - Nothing is committed twice, or with other content than its filter sent.
//   - A receipt claims nothing that the log or the database hasn't.
//   - The log forgets only what is committed or spoiled.
//   - What is announced is what was committed, once, and not before.
//   - In the end the rollups of all levels are the sums of what was committed,
//     minute by minute and in every dimension, and that is all that was counted by
//     the filters that live; of those short of memory, as far as they still tell it
//     apart. Of a killed one nothing is missing that the log had and kept.
//   - Each correction and import is in every level once, however often it was
//     asked for.
//   - What is missing is known: the ledger says which batches a failover took, and
//     a source's requests counted less those committed are what is missing of it,
//     as far as the database has heard of them. The sweep's rows say just that,
//     once, however often it sweeps.
//
// The simulation is tested by planted bugs, each a mistake in one of the parts:
// see bugs.
package simulation
