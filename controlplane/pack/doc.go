// Package pack stores many rows of numbers in few bytes, column by column, so that
// adding up thousands of them takes microseconds and a reader skips the columns it
// does not need. It is pure.
//
// In come columns of one length, and out comes a string of bytes; the other way
// round, a [Pack] gives the columns back, or an error for bytes that are none of
// this package's.
//
// A pack is, in unsigned varints: the number of rows; which columns are not all
// zero, the first in the lowest bit; and for each of these its length in bytes,
// its coding in one byte, and its values. Values are signed varints: one for
// all rows that are alike, one for each, or for each how much it is above the
// one before.
package pack
