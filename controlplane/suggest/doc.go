// Package suggest makes endpoints of what traffic shows: templates for paths that no
// endpoint matched.
//
// In come a sample of unmatched paths and the endpoints that there are; out go
// suggestions, of which each path is in one ([Templates]). It is pure and keeps
// nothing.
//
// Paths are taken apart segment by segment, those of all methods together. A segment
// becomes a parameter when it looks like an identifier: a number, a UUID, a ULID, long
// hexadecimal or random text, text with an @; or when it is one of many in its place.
// All others stay text. A parameter is called as the segment before it, /users/{userId},
// or as an endpoint that is there calls it.
//
// Four things hold of whatever is suggested:
//
//   - Each path is matched by one suggestion, the one that counts it, once all are made
//     endpoints, or was matched by an endpoint before.
//   - No suggestion takes a path from an endpoint that is there: where a template would,
//     its paths are suggested as they are. Two exceptions: a path with ;parameters is
//     read in several ways (see book.Core.MatchEndpoint), and this holds of how it is
//     read first; and an endpoint for HEAD alone may leave the HEAD of a path to what is
//     suggested for its GET.
//   - The order of what comes in doesn't matter.
//   - Once all are made endpoints, the same paths suggest nothing.
package suggest
