// Package filter is the proxy-wasm filter: it identifies the caller of each
// request, decides whether it may pass, answers those that may not, and counts
// them all. It is the only package that imports the proxy-wasm SDK.
//
// In come requests, the plugin's configuration and, by long poll, snapshots; out
// go decisions, response header fields and batches of usage.
//
// Envoy runs the filter in several VMs: one on its main thread, which ticks and
// makes calls but sees no request, and one on each worker thread. What they have
// in common is Envoy's shared data:
//
//	a/<account id>  the account's token buckets, see package limit
//	snapshot        the newest snapshot's bytes
//	version         its version, 8 bytes little-endian, looked at on every tick
//	lease           the VM that fetches snapshots, and when it last said so
//
// Every write of shared data is a compare-and-swap, the first one of a key too,
// so concurrent workers never overwrite one another and buckets are exact.
//
// A request is answered from memory: it waits for no call. Without the control
// plane the last snapshot goes on being enforced and usage goes on adding up.
// What survives the crash of a VM: everything in shared data. What doesn't: usage
// that the VM had counted but not sent, see package meter.
//
// What comes from outside is bounded and checked where it enters: configuration,
// request header fields, the edge's answers, and the bytes in shared data.
package filter
