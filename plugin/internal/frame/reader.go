package frame

import "encoding/binary"

// Reader reads varints in their shortest form. After the first fault every read
// gives zero, and Err stays.
type Reader struct {
	Rest []byte
	Err  error
}

// Fail makes an [ErrMalformed] of what, unless there is an error already.
func (r *Reader) Fail(what string) {
	if r.Err == nil {
		r.Err = Malformed(what)
	}
	r.Rest = nil
}

// Uvarint reads an unsigned varint.
func (r *Reader) Uvarint(field string) uint64 {
	n, size := binary.Uvarint(r.Rest)
	if size <= 0 || size > 1 && r.Rest[size-1] == 0 {
		r.Fail(field + ": no varint in its shortest form")
		return 0
	}
	r.Rest = r.Rest[size:]
	return n
}

// Varint reads a zigzag varint.
func (r *Reader) Varint(field string) int64 {
	n := r.Uvarint(field)
	return int64(n>>1) ^ -int64(n&1)
}

// Count reads a number of elements that take at least size bytes each.
func (r *Reader) Count(field string, size int) int {
	n := r.Uvarint(field)
	if n > uint64(len(r.Rest)/size) {
		r.Fail(field + ": more elements than bytes")
		return 0
	}
	return int(n)
}

// List reads a number of elements, at most most, that take at least size bytes
// each.
func (r *Reader) List(field string, size, most int) int {
	n := r.Count(field, size)
	if n > most {
		r.Fail(OutOfRange(field, uint64(n), 0, uint64(most)))
		return 0
	}
	return n
}

// Bytes reads n bytes as they stand.
func (r *Reader) Bytes(field string, n int) []byte {
	if n > len(r.Rest) {
		r.Fail(field + ": cut off")
		return nil
	}
	b := r.Rest[:n]
	r.Rest = r.Rest[n:]
	return b
}

// Text reads a length and so many bytes.
func (r *Reader) Text(field string) string { return string(r.Bytes(field, r.Count(field, 1))) }

// Byte reads one byte as it stands.
func (r *Reader) Byte(field string) byte {
	if b := r.Bytes(field, 1); b != nil {
		return b[0]
	}
	return 0
}

// End makes anything left an error and returns the error, if any.
func (r *Reader) End() error {
	if r.Err == nil && len(r.Rest) > 0 {
		r.Fail("bytes after the end")
	}
	return r.Err
}

// Ladder codes tuples that ascend: as long as every element before it equals the
// last tuple's, an element is written as what it is above the last tuple's, else
// as it stands. The zero value is ready for one tuple.
type Ladder struct{ differs bool }

// Down returns what to write for n, when the last tuple had last.
func (l *Ladder) Down(n, last uint64) uint64 {
	if l.differs {
		return n
	}
	l.differs = n != last
	return n - last
}

// Up is the inverse of Down. A sum that overflows is caught by the check of the
// order, since it is below last.
func (l *Ladder) Up(n, last uint64) uint64 {
	if l.differs {
		return n
	}
	l.differs = n != 0
	return last + n
}
