package filter

import (
	"math/bits"
	"strconv"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// meters is the custom meters of the policy.
type meters struct {
	all     []book.Meter // at most book.MaxMeters
	lengths uint64       // bit n-1: the header of one has n bytes
}

func newMeters(core *book.Core) (m meters) {
	for i := range min(core.Meters(), book.MaxMeters) {
		read := core.Meter(i)
		if n := len(read.Header); n >= 1 && n <= book.MaxHeaderBytes {
			m.all = append(m.all, read)
			m.lengths |= 1 << (n - 1)
		}
	}
	return m
}

// mayRead reports whether a field may be one that a meter reads. It is false for
// all without meters.
func (m *meters) mayRead(name []byte) bool {
	return m.lengths>>uint(len(name)-1)&1 != 0
}

// declaration is what the upstream declared for a custom meter.
type declaration struct {
	meter, amount uint64
}

// declarations is lists of them, to be used again.
type declarations struct{ free [][]declaration }

const maxFreeLists = 256

func (d *declarations) get() []declaration {
	n := len(d.free)
	if n == 0 {
		return make([]declaration, 0, book.MaxMeters)
	}
	list := d.free[n-1]
	d.free = d.free[:n-1]
	return list
}

func (d *declarations) put(list []declaration) {
	if len(d.free) < maxFreeLists {
		d.free = append(d.free, list[:0])
	}
}

// readMeters keeps what a field of the upstream's response declares for the meters
// that read it and count the request's endpoint. It returns which of those are
// hidden.
func (r *request) readMeters(name, value []byte) (hidden uint32) {
	for i := range r.policy.meters.all {
		m := &r.policy.meters.all[i]
		if m.Header != string(name) || m.Endpoint != 0 && m.Endpoint != r.endpoint.ID {
			continue
		}
		if m.Hidden {
			hidden |= 1 << i
		}
		amount, ok := declaredAmount(value)
		if !ok || !r.keep(declaration{m.ID, amount}) {
			r.stats.amountsRefused++
		}
	}
	return hidden
}

// keep keeps a declaration, the first one for each meter.
func (r *request) keep(d declaration) bool {
	for _, held := range r.declared {
		if held.meter == d.meter {
			return false
		}
	}
	if r.declared == nil {
		r.declared = r.lists.get()
	}
	r.declared = append(r.declared, d)
	return true
}

// hide takes the fields of meters out of the response.
func (r *request) hide(meters uint32) {
	for set := meters; set != 0; set &= set - 1 {
		name := r.policy.meters.all[bits.TrailingZeros32(set)].Header
		if !r.host.removeResponseHeader(name) {
			r.warn("remove "+name, errHost)
		}
	}
}

// declare counts what the upstream declared, under the dimensions of the request.
func (r *request) declare(k *wire.EntryKey) {
	if r.declared == nil {
		return
	}
	for _, d := range r.declared {
		r.meter.Declare(wire.MeterKey{
			Minute: k.Minute, Account: k.Account, Key: k.Key, Endpoint: k.Endpoint, Tier: k.Tier, Meter: d.meter,
		}, d.amount)
	}
	r.lists.put(r.declared)
	r.declared = nil
}

// tier returns the tier that the request was decided under, 0 for none.
func (r *request) tier() uint64 {
	if r.plan == nil {
		return 0
	}
	return r.plan.tier
}

// maxAmountDigits is how many digits the largest amount has.
const maxAmountDigits = 10

// declaredAmount reads an amount: decimal digits only, at most wire.MaxDeclared.
func declaredAmount(v []byte) (amount uint64, ok bool) {
	if len(v) == 0 || len(v) > maxAmountDigits {
		return 0, false
	}
	n, err := strconv.ParseUint(view(v), 10, 64)
	return n, err == nil && n <= wire.MaxDeclared
}
