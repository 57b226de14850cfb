// Package filter is the proxy-wasm filter: it identifies the caller of each
// request, decides whether it may pass, answers those that may not, and counts
// them all. It is the only package that imports the proxy-wasm SDK.
//
// In come requests, the plugin's configuration and, from the control plane's
// edge, updates of the policy and leases of quotas; out go decisions, header
// fields, batches of usage and reports of leases.
//
//	identify ─▶ question ─▶ decide ─▶ forward, or refuse ─▶ … ─▶ settle, count
//
// # Shared data
//
// Envoy runs the filter in several VMs: one on its main thread, which ticks and
// makes calls but sees no request, and one on each worker thread. What they have
// in common is Envoy's shared data, under names that begin with weir/:
//
//	a/<account>         state of the limits of an account, see package limit
//	a/<account>/<plan>  the same while a claim puts it on another tier
//	k/<key>             state of the limits that each key has to itself
//	i/<set>             one of 8,192 sets of slots of limits by address
//	h/<limit>           how an adaptive limit's upstream fares, see package adapt
//	manifest, seg/<n>   the policy, see policy.go and package book
//	leased              until when the process's leases count
//	process             the random name of the Envoy process
//	fetcher             the VM that fetches the policy, and when it last said so
//
// Every write of shared data is a compare-and-swap, the first one of a key too,
// so concurrent workers never overwrite one another and limits are exact. A
// request that both its key's state and its account's decide is charged to the
// first before the second; should the second deny only then, the first gets it
// back: for microseconds it is stricter than it need be, and never looser.
//
// # What survives
//
// A request is answered from memory: it waits for no call, but for one exception,
// see below. Without the control plane the last policy goes on being enforced,
// usage goes on adding up and leases are used up; what is spent stays spent, and
// when a lease has run dry the limit's fail mode decides. What survives the crash
// of a VM: everything in shared data. What doesn't: usage that the VM had counted
// but not sent, see package meter, and the settlements of its open streams.
//
// # What waits
//
// A request that lacks nothing but the lease of a quota, as the first one of an
// account does, is held: its stream is paused, a report asks for the lease at
// once, and with the answer the request is decided as if it had come then. So no
// request is refused, and none let through, only because nobody has asked yet. It
// waits for at most hold_ms, to the next tick; then the limit's fail mode decides,
// as it does at once
//
//   - while the last report failed, or the one under way is older than hold_ms: the
//     control plane being away delays nothing;
//   - when the VM holds 1,024 requests;
//   - for a state that nothing came for in two seconds of such waits, for five
//     seconds: all that is left is with an Envoy that doesn't answer.
//
// What passes, or what a limit refuses whose state is known, never waits. Envoy
// buffers the body of a held request up to the limit of its connection's buffer,
// and reads no further. The stats weir.held.waiting (how many are held now),
// weir.held.requests (how many were) and weir.held.timed_out (how many of those the
// fail mode decided after all) show it. A client that leaves while it waits is
// counted as unready, without a status.
//
// # Bounds
//
// What comes from outside is bounded and checked where it enters: configuration,
// header fields, the edge's answers, and the bytes in shared data. Callers that
// nobody knows can't make anything grow. At most a VM keeps
//
//	usage not yet committed  see package meter                                   64 MB
//	plans made ready         1,024 of 32 limits                                    9 MB
//	known keys               8,192                                               1.3 MB
//	requests to use again    1,024                                                 1 MB
//	subjects to report       4,096, as many under way, and 8,192 idle ones         2 MB
//	requests held            1,024, and states nothing came for                  400 KB
//	adaptive limits          1,024                                               100 KB
//	unmatched paths          64 under way, 8 to report                            20 KB
//	the policy               the core and each shard that was used
//
// and little of that with few accounts. The policy of 100,000 keys has 7 MB. In
// shared data, once for all VMs, lie the policy, a state for each account and key
// that was used, of about 100 bytes a limit, and the sets of slots: 8 states each,
// 17 MB with a single limit by address. When a slot is wanted and none is idle,
// the newcomer shares one, so no address is ever given a full bucket again.
//
// # Identity
//
// The filter believes nothing that a client says of itself: it strips the header
// fields by which it tells the upstream who sent a request (x-weir-account,
// x-weir-key, x-weir-tier, x-weir-priority) and sets its own. The API key itself
// is passed on, as the upstream may want it too, unless strip_key says otherwise.
// CORS preflights carry no credentials: they pass, limited by address where the
// policy has a plan for that, and count for nobody.
package filter
