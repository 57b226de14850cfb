package frame

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Every message begins with MagicBytes of magic, of which the last is the
// format's number, and ends with SumBytes of XXH64 over all bytes before it. The
// sum finds damage; it is no protection against forgery.
const (
	MagicBytes = 4
	SumBytes   = 8
)

// Seal appends the checksum of message[start:].
func Seal(message []byte, start int) []byte {
	return binary.LittleEndian.AppendUint64(message, xxhash.Sum64(message[start:]))
}

// Unseal verifies magic and checksum and returns what is between them. It fails
// with [ErrMalformed].
func Unseal(message []byte, magic string) ([]byte, error) {
	body, err := Unwrap(message, magic)
	if err != nil {
		return nil, err
	}
	if end := len(message) - SumBytes; Sum(message) != xxhash.Sum64(message[:end]) {
		return nil, Malformed("the checksum doesn't match")
	}
	return body, nil
}

// Unwrap is Unseal for bytes whose checksum was verified before: it doesn't.
func Unwrap(message []byte, magic string) ([]byte, error) {
	if len(message) < MagicBytes+SumBytes {
		return nil, Malformed("too short")
	}
	if string(message[:MagicBytes]) != magic {
		return nil, Malformed("unknown magic or format")
	}
	return message[MagicBytes : len(message)-SumBytes], nil
}

// Sum returns the checksum that message carries, unverified; 0 for one that is
// too short to carry any.
func Sum(message []byte) uint64 {
	if len(message) < SumBytes {
		return 0
	}
	return binary.LittleEndian.Uint64(message[len(message)-SumBytes:])
}

// U32 reads a little-endian number.
func U32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// U64 reads a little-endian number.
func U64(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// AppendU32 appends numbers in little-endian order.
func AppendU32(b []byte, ns ...uint32) []byte {
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

// AppendU64 appends numbers in little-endian order.
func AppendU64(b []byte, ns ...uint64) []byte {
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}
