package filter

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestAddressesAreReadAsByNetip compares with package netip, which the module
// can't afford, on addresses, on what is nearly one, and on noise.
func TestAddressesAreReadAsByNetip(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	secret := &[16]byte{1, 2, 3}
	hashes := map[netip.Prefix]uint64{}
	for range 200_000 {
		text := addressText(random)
		parsed, err := netip.ParseAddrPort(text)
		hash, ok := hashAddress([]byte(text), secret)
		if !ok && err == nil {
			t.Fatalf("%q: refused", text)
		}
		if err != nil {
			continue
		}
		length := 64
		if parsed.Addr().Unmap().Is4() {
			length = 32
		}
		network, err := parsed.Addr().Unmap().WithZone("").Prefix(length)
		if err != nil {
			t.Fatal(err)
		}
		if before, seen := hashes[network]; seen && before != hash {
			t.Fatalf("%q: another hash than before for the same network", text)
		}
		hashes[network] = hash
	}
	distinct := map[uint64]bool{}
	for _, hash := range hashes {
		distinct[hash] = true
	}
	if len(distinct) != len(hashes) {
		t.Errorf("%d networks have %d hashes", len(hashes), len(distinct))
	}
}

// addressText returns an address with a port, or with a byte changed.
func addressText(random *rand.Rand) string {
	var a netip.Addr
	if random.IntN(3) == 0 {
		a = netip.AddrFrom4([4]byte{byte(random.Uint32()), byte(random.IntN(3)), 0, byte(random.IntN(4))})
	} else {
		var b [16]byte
		for i := range b {
			if random.IntN(3) == 0 {
				b[i] = byte(random.Uint32())
			}
		}
		if random.IntN(8) == 0 {
			b = [16]byte{10: 0xff, 11: 0xff, 12: byte(random.Uint32()), 15: 1}
		}
		a = netip.AddrFrom16(b)
	}
	text := []byte(netip.AddrPortFrom(a, uint16(random.Uint32())).String())
	if random.IntN(4) == 0 {
		text[random.IntN(len(text))] = "0123456789abcdef:.[]%/"[random.IntN(22)]
	}
	return string(text)
}
