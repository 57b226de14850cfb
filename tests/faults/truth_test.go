package faults

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// truth is what the database has to have, from the beginning of a world.
type truth struct {
	usage  map[dims]*history
	tokens map[dims]amount // status and decision are 0
}

// history is when requests were counted, as bounds: how many at the latest, and
// at the earliest, in which minute.
type history struct {
	total            int64
	earliest, latest map[int64]int64 // requests by minute
}

// amount is what was declared, by how many requests.
type amount struct{ requests, sum int64 }

// add adds what clients saw. What has no later bound was counted before now.
func (t *truth) add(answers []answer, now time.Time) {
	if t.usage == nil {
		t.usage, t.tokens = map[dims]*history{}, map[dims]amount{}
	}
	for _, a := range answers {
		h := t.usage[a.dims]
		if h == nil {
			h = &history{earliest: map[int64]int64{}, latest: map[int64]int64{}}
			t.usage[a.dims] = h
		}
		if a.latest.IsZero() {
			a.latest = now
		}
		h.total++
		h.earliest[a.earliest.Unix()/60]++
		h.latest[a.latest.Unix()/60]++
		if a.tokens >= 0 {
			d := dims{account: a.account, key: a.key, endpoint: a.endpoint}
			sum := t.tokens[d]
			t.tokens[d] = amount{sum.requests + 1, sum.sum + a.tokens}
		}
	}
}

func (t *truth) total() (sum int64) {
	for _, h := range t.usage {
		sum += h.total
	}
	return sum
}

// found is what the database has.
type found struct {
	usage  map[dims]map[int64]int64 // requests by minute
	tokens map[dims]amount
}

// read reads the rollups of minutes.
func (w *world) read(ctx context.Context, conn *pgx.Conn) (f found, err error) {
	f = found{map[dims]map[int64]int64{}, map[dims]amount{}}
	var d dims
	var minute, requests int64
	rows, err := conn.Query(ctx, `
		select account_id, key_id, endpoint_id, status, decision, extract(epoch from bucket)::bigint / 60, sum(requests)::bigint
		from usage_minute group by 1, 2, 3, 4, 5, 6`)
	if err != nil {
		return f, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&d.account, &d.key, &d.endpoint, &d.status, &d.decision, &minute, &requests}, func() error {
		if f.usage[d] == nil {
			f.usage[d] = map[int64]int64{}
		}
		f.usage[d][minute] = requests
		return nil
	}); err != nil {
		return f, err
	}
	d = dims{}
	var sum int64
	rows, err = conn.Query(ctx, `
		select account_id, key_id, endpoint_id, sum(requests)::bigint, sum(amount)::bigint
		from meter_minute where meter_id = $1 group by 1, 2, 3`, w.policy.meter)
	if err != nil {
		return f, err
	}
	_, err = pgx.ForEachRow(rows, []any{&d.account, &d.key, &d.endpoint, &requests, &sum}, func() error {
		f.tokens[d] = amount{requests, sum}
		return nil
	})
	return f, err
}

// maxDifferences is how many are told of.
const maxDifferences = 12

// compare returns how the database differs from what clients saw.
func (t *truth) compare(f found) (differences []string) {
	for d, h := range t.usage {
		differences = append(differences, h.compare(d, f.usage[d])...)
	}
	for d, minutes := range f.usage {
		if t.usage[d] == nil {
			differences = append(differences, fmt.Sprintf("%+v: the rollups have %d, and nobody saw any", d, sumOf(minutes)))
		}
	}
	for d, want := range t.tokens {
		if got := f.tokens[d]; got != want {
			differences = append(differences, fmt.Sprintf("tokens of %+v: the rollups have %+v, declared were %+v", d, got, want))
		}
	}
	for d, got := range f.tokens {
		if _, ok := t.tokens[d]; !ok {
			differences = append(differences, fmt.Sprintf("tokens of %+v: the rollups have %+v, and nobody declared any", d, got))
		}
	}
	slices.Sort(differences)
	return differences
}

// compare checks that the total is exact, and that up to the end of each minute
// there is no less than what was counted by then for sure, and no more than what
// may have been.
func (h *history) compare(d dims, minutes map[int64]int64) (differences []string) {
	if got := sumOf(minutes); got != h.total {
		return []string{fmt.Sprintf("%+v: the rollups have %d, clients saw %d", d, got, h.total)}
	}
	var all []int64
	for _, of := range []map[int64]int64{minutes, h.earliest, h.latest} {
		for m := range of {
			all = append(all, m)
		}
	}
	slices.Sort(all)
	var got, least, most int64
	for _, m := range slices.Compact(all) {
		got, least, most = got+minutes[m], least+h.latest[m], most+h.earliest[m]
		if got < least || got > most {
			return []string{fmt.Sprintf("%+v: up to the end of %s the rollups have %d, clients saw %d to %d",
				d, time.Unix(m*60, 0).UTC().Format("15:04"), got, least, most)}
		}
	}
	return nil
}

func sumOf[K cmp.Ordered](of map[K]int64) (sum int64) {
	for _, n := range of {
		sum += n
	}
	return sum
}
