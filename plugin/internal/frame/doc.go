// Package frame has what the filter's binary formats share: the frame of magic
// and checksum, numbers, the two kinds of error, and the rules for texts.
//
// In come bytes or values, out come the others. It is pure and keeps nothing, so
// a crash loses nothing of it. Like the formats themselves it is compiled into
// the filter and keeps away from reflection.
package frame
