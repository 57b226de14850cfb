package main

import "errors"

var errNumber = errors.New("a number is cut short or too large")

// reader takes a module apart. Once it has failed it returns zeros.
type reader struct {
	rest []byte
	err  error
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for i := range 5 {
		c := r.byte()
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if v>>32 != 0 {
				break
			}
			return uint32(v)
		}
	}
	r.fail(errNumber)
	return 0
}

// s32 reads a signed one.
func (r *reader) s32() int32 {
	var v int64
	for i := range 5 {
		c := r.byte()
		v |= int64(c&0x7f) << (7 * i)
		if c < 0x80 {
			unused := 64 - 7*(i+1)
			v = v << unused >> unused // the sign
			if int64(int32(v)) != v {
				break
			}
			return int32(v)
		}
	}
	r.fail(errNumber)
	return 0
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.fail(errors.New("the module is cut short"))
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// vector reads a length and so many bytes: a name, or the content of a section.
func (r *reader) vector() []byte { return r.bytes(r.u32()) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendS32(b []byte, v int32) []byte {
	for v < -0x40 || v > 0x3f {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}

func appendVector(b, content []byte) []byte {
	return append(appendU32(b, uint32(len(content))), content...)
}
