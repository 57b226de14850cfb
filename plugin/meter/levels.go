package meter

import "github.com/weirhq/weir/plugin/wire"

// maxLevels bounds the levels of a batch.
const maxLevels = 8_192

type levelKey struct{ account, limit uint64 }

// levels holds the latest note of each limit since the last batch.
type levels struct {
	index map[levelKey]int32
	notes []wire.Level
}

func newLevels() levels { return levels{index: map[levelKey]int32{}} }

func (l *levels) put(n wire.Level) {
	k := levelKey{n.Account, n.Limit}
	if i, ok := l.index[k]; ok {
		l.notes[i] = n
		return
	}
	if len(l.notes) >= maxLevels {
		return
	}
	l.index[k] = int32(len(l.notes))
	l.notes = append(l.notes, n)
}

// take removes all notes. They stay valid until the next put.
func (l *levels) take() []wire.Level {
	taken := l.notes
	l.notes = l.notes[:0]
	clear(l.index)
	return taken
}
