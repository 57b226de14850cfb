package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of the levels of a batch, which in the worst encoding take 0.6 MB.
const (
	maxLevels    = 8_192
	recentLevels = 2_048
)

type levelKey struct{ account, key, limit uint64 }

// levels holds the latest note of each limit since the last batch.
type levels struct {
	index  map[levelKey]int32
	notes  []wire.Level
	recent []int32 // where the notes of hot limits are, so that they need no look-up
}

func newLevels() levels {
	return levels{index: map[levelKey]int32{}, recent: make([]int32, recentLevels)}
}

func (l *levels) put(n wire.Level) {
	k := levelKey{n.Account, n.Key, n.Limit}
	recent := &l.recent[(n.Account*0x9e3779b97f4a7c15+n.Key*0x85ebca6b+n.Limit)%recentLevels]
	if i := int(*recent); i < len(l.notes) && l.notes[i].Limit == k.limit && l.notes[i].Account == k.account && l.notes[i].Key == k.key {
		l.notes[i] = n
		return
	}
	if i, ok := l.index[k]; ok {
		l.notes[i], *recent = n, i
		return
	}
	if len(l.notes) >= maxLevels {
		return
	}
	*recent = int32(len(l.notes))
	l.index[k] = *recent
	l.notes = append(l.notes, n)
}

// take removes all notes. They stay valid until the next put.
func (l *levels) take() []wire.Level {
	taken := l.notes
	l.notes = l.notes[:0]
	clear(l.index)
	return taken
}
