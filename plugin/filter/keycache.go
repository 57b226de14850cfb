package filter

import (
	"crypto/subtle"

	"github.com/cespare/xxhash/v2"

	"github.com/weirhq/weir/plugin/book"
)

// Hashing a key and finding it in its shard takes most of the time that the
// identity of a request costs, so known keys are kept in a table of fixed size:
// 8,192 entries of 64 bytes of secret and the record, 1.3 MB. A secret has two
// places, and a new one takes that of the two which was used longer ago.
const (
	cachedKeys        = 8192
	cachedSecretBytes = 64 // longer ones aren't kept
)

// keyCache maps secrets to what the policy says of them. An entry counts only
// as long as its shard is in use unchanged. There are no pointers in it that the
// garbage collector would have to follow.
type keyCache struct {
	entries []cachedKey
}

type cachedKey struct {
	length int // 0: empty
	secret [cachedSecretBytes]byte
	number int    // of the shard
	at     uint64 // version in which the shard last changed
	older  bool   // the other one of the two was used after it
	ref    book.KeyRef
}

func newKeyCache() keyCache {
	return keyCache{entries: make([]cachedKey, cachedKeys)}
}

// places returns the two entries that may hold a secret.
func (c *keyCache) places(secret []byte) (pair *[2]cachedKey) {
	at := xxhash.Sum64(secret) % (cachedKeys / 2) * 2
	return (*[2]cachedKey)(c.entries[at : at+2])
}

// find returns what is kept of a secret, nil for nothing.
func (c *keyCache) find(secret []byte) *cachedKey {
	pair := c.places(secret)
	for i := range pair {
		e := &pair[i]
		if e.length == len(secret) && e.length > 0 && subtle.ConstantTimeCompare(e.secret[:e.length], secret) == 1 {
			e.older, pair[1-i].older = false, true
			return e
		}
	}
	return nil
}

func (c *keyCache) put(secret []byte, number int, at uint64, ref book.KeyRef) {
	if len(secret) > cachedSecretBytes {
		return
	}
	e := c.find(secret)
	if e == nil {
		pair := c.places(secret)
		i := 0
		if pair[0].length > 0 && (pair[1].length == 0 || pair[1].older) {
			i = 1
		}
		e = &pair[i]
		e.older, pair[1-i].older = false, true
	}
	e.length = copy(e.secret[:], secret)
	e.number, e.at, e.ref = number, at, ref
}
