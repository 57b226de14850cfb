package wire

import (
	"cmp"
	"slices"
)

// Sort puts entries, meters, levels and verdicts into the order that EncodeBatch
// wants.
func (b *Batch) Sort() {
	sortList(b.Entries, func(x, y *Entry) int { return x.Compare(y.EntryKey) })
	sortList(b.Meters, func(x, y *MeterEntry) int { return x.Compare(y.MeterKey) })
	sortList(b.Levels, func(x, y *Level) int { return x.compare(*y) })
	sortList(b.Verdicts, func(x, y *VerdictEntry) int { return x.Compare(y.VerdictKey) })
}

// sortList sorts positions first, and moves each element once: they are large.
func sortList[E any](list []E, compare func(x, y *E) int) {
	sorted := true
	for i := 1; i < len(list) && sorted; i++ {
		sorted = compare(&list[i-1], &list[i]) <= 0
	}
	if sorted {
		return
	}
	from := make([]int32, len(list)) // the position that each place's element has now
	for i := range from {
		from[i] = int32(i)
	}
	slices.SortFunc(from, func(i, j int32) int { return compare(&list[i], &list[j]) })
	for start := range from {
		if from[start] == int32(start) {
			continue
		}
		first, to := list[start], start
		for from[to] != int32(start) {
			next := int(from[to])
			list[to], from[to] = list[next], int32(to)
			to = next
		}
		list[to], from[to] = first, int32(to)
	}
}

// Compare orders keys as a batch lists them: by minute, account, key, endpoint,
// tier, status and decision. It returns -1, 0 or +1.
func (k EntryKey) Compare(o EntryKey) int {
	switch {
	case k.Minute != o.Minute:
		return cmp.Compare(k.Minute, o.Minute)
	case k.Account != o.Account:
		return cmp.Compare(k.Account, o.Account)
	case k.Key != o.Key:
		return cmp.Compare(k.Key, o.Key)
	case k.Endpoint != o.Endpoint:
		return cmp.Compare(k.Endpoint, o.Endpoint)
	case k.Tier != o.Tier:
		return cmp.Compare(k.Tier, o.Tier)
	case k.Status != o.Status:
		return cmp.Compare(k.Status, o.Status)
	}
	return cmp.Compare(k.Decision, o.Decision)
}

// Compare orders keys as a batch lists them: by minute, account, key, endpoint,
// tier and meter. It returns -1, 0 or +1.
func (k MeterKey) Compare(o MeterKey) int {
	switch {
	case k.Minute != o.Minute:
		return cmp.Compare(k.Minute, o.Minute)
	case k.Account != o.Account:
		return cmp.Compare(k.Account, o.Account)
	case k.Key != o.Key:
		return cmp.Compare(k.Key, o.Key)
	case k.Endpoint != o.Endpoint:
		return cmp.Compare(k.Endpoint, o.Endpoint)
	case k.Tier != o.Tier:
		return cmp.Compare(k.Tier, o.Tier)
	}
	return cmp.Compare(k.Meter, o.Meter)
}

// Compare orders keys as a batch lists them: by minute, account, limit and
// verdict. It returns -1, 0 or +1.
func (k VerdictKey) Compare(o VerdictKey) int {
	switch {
	case k.Minute != o.Minute:
		return cmp.Compare(k.Minute, o.Minute)
	case k.Account != o.Account:
		return cmp.Compare(k.Account, o.Account)
	case k.Limit != o.Limit:
		return cmp.Compare(k.Limit, o.Limit)
	}
	return cmp.Compare(k.Verdict, o.Verdict)
}

func (l Level) compare(o Level) int {
	switch {
	case l.Account != o.Account:
		return cmp.Compare(l.Account, o.Account)
	case l.Limit != o.Limit:
		return cmp.Compare(l.Limit, o.Limit)
	}
	return cmp.Compare(l.Key, o.Key)
}
