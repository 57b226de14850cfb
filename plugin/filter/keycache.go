package filter

import (
	"github.com/cespare/xxhash/v2"

	"github.com/weirhq/weir/plugin/book"
)

// Hashing a key and finding it in its shard takes most of the time that the
// identity of a request costs, so known keys are kept in a table of fixed size:
// 1,024 entries of 64 bytes of secret and the record, 180 KB.
const (
	cachedKeys        = 1024
	cachedSecretBytes = 64 // longer ones aren't kept
)

// keyCache maps secrets to what the policy says of them. An entry counts only
// as long as its shard is in use unchanged.
type keyCache struct {
	entries []cachedKey
}

type cachedKey struct {
	length int // 0: empty
	secret [cachedSecretBytes]byte
	number int // of the shard
	shard  *book.Shard
	ref    book.KeyRef
}

func newKeyCache() keyCache {
	return keyCache{entries: make([]cachedKey, cachedKeys)}
}

func (c *keyCache) place(secret []byte) *cachedKey {
	return &c.entries[xxhash.Sum64(secret)%cachedKeys]
}

// find returns what is kept of a secret, and the shard that it was found in.
func (c *keyCache) find(secret []byte) (*cachedKey, bool) {
	e := c.place(secret)
	ok := e.length == len(secret) && e.length > 0 && equal(e.secret[:e.length], secret)
	return e, ok
}

func (c *keyCache) put(secret []byte, number int, shard *book.Shard, ref book.KeyRef) {
	if len(secret) > cachedSecretBytes {
		return
	}
	e := c.place(secret)
	e.length = copy(e.secret[:], secret)
	e.number, e.shard, e.ref = number, shard, ref
}

// equal compares two texts of one length in a time that doesn't depend on where
// they differ.
func equal(a, b []byte) bool {
	var different byte
	for i := range min(len(a), len(b)) {
		different |= a[i] ^ b[i]
	}
	return different == 0
}
