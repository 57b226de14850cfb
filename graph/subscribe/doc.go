// Package subscribe serves GraphQL subscriptions: over WebSockets by the
// graphql-transport-ws protocol, and as server-sent events in the distinct
// connections mode of graphql-sse.
//
// In come operations; out go their events, the newest first of all. Subscribers
// whose operations say the same, and who may see the same, share one stream: it
// is executed once and each of its events is encoded once, whoever many read it.
//
//	operation ─▶ stream (text, name, variables, permission) ─▶ latest event ─┬▶ subscriber
//	                                                                         └▶ subscriber …
//
// Events have to be whole: one that comes after another makes that worthless. A
// stream keeps its latest event only, and a subscriber gets what is the latest
// when its connection takes one more. So a slow one costs a pointer and holds
// nobody up. A stream begins with its first subscriber and ends with its last.
//
// Nothing here survives a crash: clients connect again, to any process, and begin
// with the latest event.
package subscribe
