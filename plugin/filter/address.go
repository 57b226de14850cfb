package filter

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

var sourceAddress = newProperty("source", "address")

// hashAddress makes of the proxy's "address:port" what limits by address know a
// client by; never 0. It reports false for anything else, such as the path of a
// socket. All addresses of an IPv6 /64, which is the least that a network gets,
// are one client. The secret keeps clients from finding addresses that share a
// place with another's.
func hashAddress(text []byte, secret *[16]byte) (hash uint64, ok bool) {
	colon := bytes.LastIndexByte(text, ':')
	if colon < 0 || len(text) > 64 {
		return 0, false
	}
	var a [16]byte
	if n := colon - 1; text[0] == '[' && n > 0 && text[n] == ']' {
		ok = parseIPv6(text[1:n], &a)
	} else {
		ok = parseIPv4(text[:colon], a[12:])
		a[10], a[11] = 0xff, 0xff
	}
	if !ok {
		return 0, false
	}
	network, family := binary.BigEndian.Uint64(a[:8]), uint64(6)
	if low := binary.BigEndian.Uint64(a[8:]); network == 0 && low>>32 == 0xffff { // IPv4, perhaps mapped
		network, family = low&0xffff_ffff, 4
	}
	k0, k1 := binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:])
	h := fold(network^k0, k1^family*0x9e3779b97f4a7c15)
	return max(fold(h^k1, k0^0xd1b54a32d192ed03), 1), true
}

// fold mixes two words by the halves of their product (as in wyhash).
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a|1, b|1)
	return high ^ low ^ a<<32 ^ b>>32
}

// parseIPv4 reads four decimal numbers into the first 4 bytes of a. The proxy has
// read the address before; package netip, which would do the rest as well, makes
// the module larger and slower to start.
func parseIPv4(text []byte, a []byte) bool {
	for i := range 4 {
		n, digits := 0, 0
		for digits < len(text) && digits < 3 && text[digits] >= '0' && text[digits] <= '9' {
			n = 10*n + int(text[digits]-'0')
			digits++
		}
		if digits == 0 || n > 255 {
			return false
		}
		a[i] = byte(n)
		text = text[digits:]
		if i < 3 {
			if len(text) == 0 || text[0] != '.' {
				return false
			}
			text = text[1:]
		}
	}
	return len(text) == 0
}

// parseIPv6 reads up to eight groups, of which one run of zeros may be left out
// and the last two may be an IPv4 address. A zone is cut.
func parseIPv6(text []byte, a *[16]byte) bool {
	text, _, _ = bytes.Cut(text, []byte("%"))
	gap, at := -1, 0
	if bytes.HasPrefix(text, []byte("::")) {
		gap, text = 0, text[2:]
	}
	for len(text) > 0 {
		if at <= 12 && parseIPv4(text, a[at:at+4]) {
			at += 4
			break
		}
		n, digits := parseHex(text)
		if digits == 0 || at > 14 {
			return false
		}
		binary.BigEndian.PutUint16(a[at:], n)
		at, text = at+2, text[digits:]
		switch {
		case len(text) == 0:
		case gap < 0 && bytes.HasPrefix(text, []byte("::")):
			gap, text = at, text[2:]
		case text[0] == ':' && len(text) > 1:
			text = text[1:]
		default:
			return false
		}
	}
	if gap < 0 {
		return at == 16
	}
	after := *a
	clear(a[gap:])
	copy(a[16-(at-gap):], after[gap:at])
	return at < 16
}

// parseHex reads up to four hexadecimal digits.
func parseHex(text []byte) (n uint16, digits int) {
	for digits < len(text) && digits < 4 {
		c := text[digits]
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint16(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | uint16(c|0x20-'a'+10)
		default:
			return n, digits
		}
		digits++
	}
	return n, digits
}
