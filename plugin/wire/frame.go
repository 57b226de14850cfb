package wire

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Every message begins with four bytes of magic, of which the last is the
// format's number, and ends with the XXH64 of all bytes before it. The sum finds
// damage; it is no protection against forgery.
const (
	magicBatch    = "WBa\x01"
	magicReceipt  = "WRc\x01"
	magicSnapshot = "WSn\x01"
	magicBytes    = 4
	sumBytes      = 8
)

// seal appends the checksum of message[start:].
func seal(message []byte, start int) []byte {
	return binary.LittleEndian.AppendUint64(message, xxhash.Sum64(message[start:]))
}

// unseal verifies magic and checksum and returns what is between them.
func unseal(message []byte, magic string) ([]byte, error) {
	if len(message) < magicBytes+sumBytes {
		return nil, malformed("too short")
	}
	if string(message[:magicBytes]) != magic {
		return nil, malformed("unknown magic or format")
	}
	body, sum := message[:len(message)-sumBytes], message[len(message)-sumBytes:]
	if binary.LittleEndian.Uint64(sum) != xxhash.Sum64(body) {
		return nil, malformed("the checksum doesn't match")
	}
	return body[magicBytes:], nil
}

// reader reads varints in their shortest form. After the first fault every read
// gives zero, and err stays.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = malformed(what)
	}
	r.rest = nil
}

func (r *reader) uvarint(field string) uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || size > 1 && r.rest[size-1] == 0 {
		r.fail(field + ": no varint in its shortest form")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// varint reads a zigzag varint.
func (r *reader) varint(field string) int64 {
	n := r.uvarint(field)
	return int64(n>>1) ^ -int64(n&1)
}

// count reads a number of elements that take at least size bytes each.
func (r *reader) count(field string, size int) int {
	n := r.uvarint(field)
	if n > uint64(len(r.rest)/size) {
		r.fail(field + ": more elements than bytes")
		return 0
	}
	return int(n)
}

func (r *reader) bytes(field string, n int) []byte {
	if n > len(r.rest) {
		r.fail(field + ": cut off")
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// ladder codes tuples that ascend: as long as every element before it equals the
// last tuple's, an element is written as what it is above the last tuple's, else
// as it stands.
type ladder struct{ differs bool }

func (l *ladder) down(n, last uint64) uint64 {
	if l.differs {
		return n
	}
	l.differs = n != last
	return n - last
}

// up is the inverse of down. A sum that overflows is caught by the check of the
// order, since it is below last.
func (l *ladder) up(n, last uint64) uint64 {
	if l.differs {
		return n
	}
	l.differs = n != 0
	return last + n
}
