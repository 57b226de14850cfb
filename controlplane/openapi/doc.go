// Package openapi reads the endpoints that an OpenAPI document describes, and says
// what they change of those that there are.
//
// In comes the text of an OpenAPI 3.0 or 3.1 document, as JSON or YAML, by whoever
// may change endpoints ([Read]); out go its operations, and then what importing them
// adds, changes and misses ([Document.Compare]). It is pure and keeps nothing: the
// store applies a [Comparison] in one transaction, and remembers of the document
// only its title, version and digest.
//
// It trusts nothing. It reads what routes are made of (servers, paths, methods,
// tags and x-weir-cost) and passes over schemas, so that neither their size nor
// their references matter. It opens no file and no connection: a reference that
// leads out of the document is a mistake. A document has at most [MaxBytes], and
// [MaxOperations]; what it may take to read is bounded before it is parsed.
// Mistakes name the line, and the place in the document.
package openapi
