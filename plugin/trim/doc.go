// Command trim makes the compiled filter cheaper to call.
//
//	trim IN OUT
//
// In comes the module that the Go compiler built, out goes one that does the
// same with less work for the proxy:
//
//   - Callbacks that the filter has no use for are exported no longer. The SDK
//     exports all that there are; a proxy asks for each export by name, and calls
//     what it finds: bodies and trailers cost two calls or more a request.
//   - The function by which the proxy gets memory for what it returns is a few
//     instructions that take it from the chunk of package arena. Only when the
//     chunk is used up is the Go function called, which costs a switch to
//     another goroutine and back.
//   - Callbacks for streams go to functions of the filter's own in the place of
//     the SDK's, and creating or deleting a stream calls no Go, see package gate.
//
// Nothing else is touched: sections are copied as they are, and added functions
// come after all others, so no index in the module changes. A module that isn't
// as expected is refused.
//
// Of the WebAssembly Core Specification 2.0 it knows the binary format (chapter
// 5): LEB128 numbers (5.2.2), sections (5.5.2), imports (5.5.5), functions
// (5.5.6), exports (5.5.10), code (5.5.13) and data (5.5.14).
package main
