package meter

import "github.com/weirhq/weir/plugin/wire"

// maxLevels bounds the levels of a batch, which in the worst encoding take 0.6 MB.
const maxLevels = 8_192

// levels holds the latest note of each limit since the last batch.
type levels struct {
	index chains
	notes []wire.Level
}

func newLevels() levels { return levels{index: newChains()} }

func (l *levels) put(n wire.Level) {
	hash := uint32(mix(mix(n.Account, n.Key), n.Limit))
	for i := l.index.first(hash); i >= 0; i = l.index.next(i) {
		if held := &l.notes[i]; held.Limit == n.Limit && held.Account == n.Account && held.Key == n.Key {
			*held = n
			return
		}
	}
	if len(l.notes) >= maxLevels {
		return
	}
	l.index.push(hash)
	l.notes = append(l.notes, n)
}

// take removes all notes. They stay valid until the next put.
func (l *levels) take() []wire.Level {
	taken := l.notes
	l.notes = l.notes[:0]
	l.index.cut(0)
	return taken
}
