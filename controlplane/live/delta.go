// Package live tells subscribers what the meter commits, as it happens.
//
// In come announcements, one for each committed transaction, from the rollup
// workers of all processes; out go deltas, at most two a second to each
// subscriber. A subscriber that reads slowly gets fewer deltas that add up to
// the same usage. Nothing here survives a crash, and nothing needs to: the
// rollups are the record.
package live

import (
	"encoding/json"
	"fmt"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Counts are what was committed, of everybody or of one account.
type Counts struct {
	Requests  int64 `json:"r,omitempty"`
	Allowed   int64 `json:"a,omitempty"`
	Throttled int64 `json:"t,omitempty"`
	BytesIn   int64 `json:"i,omitempty"`
	BytesOut  int64 `json:"o,omitempty"`
}

// Refused are the requests refused for another reason than a limit.
func (c Counts) Refused() int64 { return c.Requests - c.Allowed - c.Throttled }

func (c *Counts) add(d Counts) {
	c.Requests += d.Requests
	c.Allowed += d.Allowed
	c.Throttled += d.Throttled
	c.BytesIn += d.BytesIn
	c.BytesOut += d.BytesOut
}

// Delta is the usage that some transactions added, with its split by account.
type Delta struct {
	Counts
	Accounts map[controlplane.ID]Counts
}

// DeltaOf adds up what batches count.
func DeltaOf(batches []*wire.Batch) Delta {
	d := Delta{Accounts: map[controlplane.ID]Counts{}}
	for _, b := range batches {
		for i := range b.Entries {
			d.count(&b.Entries[i])
		}
	}
	return d
}

func (d *Delta) count(e *wire.Entry) {
	c := Counts{Requests: int64(e.Requests), BytesIn: int64(e.BytesIn), BytesOut: int64(e.BytesOut)}
	switch e.Decision {
	case wire.Allowed:
		c.Allowed = c.Requests
	case wire.Throttled:
		c.Throttled = c.Requests
	}
	d.addAccount(controlplane.ID(e.Account), c)
}

func (d *Delta) addAccount(id controlplane.ID, c Counts) {
	d.add(c)
	sum := d.Accounts[id]
	sum.add(c)
	d.Accounts[id] = sum
}

// maxAnnounced is how many accounts one announcement holds, about 110 bytes each:
// what carries it bounds a message.
const maxAnnounced = 4096

// Encode writes the delta as announcements, which add up to it.
func (d Delta) Encode() (payloads [][]byte) {
	part := make(map[controlplane.ID]Counts, min(len(d.Accounts), maxAnnounced))
	flush := func() {
		payload, err := json.Marshal(part)
		if err != nil {
			panic(err) // a map of integers always encodes
		}
		payloads = append(payloads, payload)
		clear(part)
	}
	for id, c := range d.Accounts {
		if part[id] = c; len(part) == maxAnnounced {
			flush()
		}
	}
	if len(part) > 0 {
		flush()
	}
	return payloads
}

// Decode reads what Encode wrote.
func Decode(payload []byte) (Delta, error) {
	var accounts map[controlplane.ID]Counts
	if err := json.Unmarshal(payload, &accounts); err != nil {
		return Delta{}, fmt.Errorf("read announcement: %w", err)
	}
	d := Delta{Accounts: make(map[controlplane.ID]Counts, len(accounts))}
	for id, c := range accounts {
		d.addAccount(id, c)
	}
	return d, nil
}
