package meter

// chains finds elements of a slice by the hash of their key. It holds positions
// only, for elements that are added at the slice's end and removed from there,
// and is several times quicker than a map in a VM without a hash instruction.
type chains struct {
	heads []int32 // by hash: 1 + the newest position; the length is a power of two
	links []link  // by position
}

type link struct {
	hash  uint32
	older int32 // 1 + the position before it in the same chain
}

const firstHeads = 4096

func newChains() chains { return chains{heads: make([]int32, firstHeads)} }

// first returns the newest position that may have a key of this hash, and -1 when
// there is none.
func (c *chains) first(hash uint32) int32 { return c.heads[hash&uint32(len(c.heads)-1)] - 1 }

// next returns the position to look at after this one, and -1 at the end.
func (c *chains) next(position int32) int32 { return c.links[position].older - 1 }

// push adds the element that comes after all others.
func (c *chains) push(hash uint32) {
	if len(c.links) >= len(c.heads) {
		c.grow()
	}
	head := &c.heads[hash&uint32(len(c.heads)-1)]
	c.links = append(c.links, link{hash, *head})
	*head = int32(len(c.links))
}

func (c *chains) grow() {
	c.heads = make([]int32, 2*len(c.heads))
	for i := range c.links {
		l := &c.links[i]
		head := &c.heads[l.hash&uint32(len(c.heads)-1)]
		l.older, *head = *head, int32(i)+1
	}
}

// cut removes all elements from this position on.
func (c *chains) cut(from int) {
	if from == 0 {
		clear(c.heads)
	} else {
		for i := len(c.links) - 1; i >= from; i-- {
			l := &c.links[i]
			c.heads[l.hash&uint32(len(c.heads)-1)] = l.older
		}
	}
	c.links = c.links[:from]
}

// mix adds a word to a hash, by Fibonacci hashing. Keys are numbers that the
// control plane gives out, so nobody can choose ones that collide.
func mix(hash, word uint64) uint64 {
	hash = (hash ^ word) * 0x9e3779b97f4a7c15
	return hash ^ hash>>32
}
