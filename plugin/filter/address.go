package filter

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

var sourceAddress = newProperty("source", "address")

// hashAddress makes of the proxy's "address:port" what limits by address know a
// client by; never 0. It reports false for anything else, such as the path of a
// socket. All addresses of an IPv6 /64, which is the least that a network gets,
// are one client. The secret keeps clients from finding addresses that share a
// place with another's.
func hashAddress(text []byte, secret *[16]byte) (hash uint64, ok bool) {
	if len(text) > 64 {
		return 0, false
	}
	parsed, err := netip.ParseAddrPort(view(text))
	if err != nil {
		return 0, false
	}
	var network uint64
	family := uint64(6)
	if a := parsed.Addr().Unmap(); a.Is4() {
		four := a.As4()
		network, family = uint64(binary.BigEndian.Uint32(four[:])), 4
	} else {
		sixteen := a.As16()
		network = binary.BigEndian.Uint64(sixteen[:8])
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
