package controlplane

import (
	"errors"
	"slices"
	"time"
	"unicode/utf8"
)

// The kinds of corrections.
const (
	KindVoid       = "VOID"       // takes back a correction, or what Envoys sent
	KindAdjustment = "ADJUSTMENT" // adds to usage or takes away from it
	KindImport     = "IMPORT"     // brings usage from elsewhere
)

// NewCorrection is a correction to be made. A void has no amounts: what it takes
// back is what the correction that it names had added, or else what Envoys sent of
// its account, key, endpoint and tier in its minute, of its meter if it names one,
// as far as that hasn't been taken back.
type NewCorrection struct {
	Kind               string
	ClientID           string // 1 to 200 characters; the same one again is the same correction
	AccountID          ID
	KeyID              ID // a key's or an identity's; 0: none, as in what follows
	EndpointID, TierID ID
	At                 time.Time // counts in its minute
	Requests, Cost     int64     // within ±MaxCorrection, as in what follows
	BytesIn, BytesOut  int64
	MeterID            ID // 0: none
	Amount             int64
	Voids              ID     // of a void: the correction that it takes back; 0: usage
	Reason             string // 1 to 500 characters
	Actor              string // who makes it
}

// CorrectionResult is what became of a new correction.
type CorrectionResult struct {
	Correction
	Known bool  // it had been made before
	Err   error // why it was not made: a mistake of the caller's
}

// Bounds of corrections.
const (
	MaxCorrection  = 100_000_000_000_000
	MaxCorrections = 10_000 // made at once; as many of the largest add up to 10^18, which an int64 holds

	maxClientID = 200
	maxReason   = 500
)

// Validate says what is wrong with a correction, as of a time.
func (c *NewCorrection) Validate(now time.Time) error {
	faults := []error{textFault("clientId", c.ClientID, maxClientID), textFault("reason", c.Reason, maxReason)}
	if !slices.Contains([]string{KindVoid, KindAdjustment, KindImport}, c.Kind) {
		faults = append(faults, Invalid("kind", "give VOID, ADJUSTMENT or IMPORT"))
	}
	voidsCorrection := c.Kind == KindVoid && c.Voids != 0
	if c.Voids != 0 && c.Kind != KindVoid {
		faults = append(faults, Invalid("voids", "only a void takes something back; leave it out"))
	}
	if !voidsCorrection {
		faults = append(faults, c.dimensionFault(now))
	}
	return errors.Join(append(faults, c.amountFault())...)
}

func (c *NewCorrection) dimensionFault(now time.Time) error {
	switch {
	case c.AccountID <= 0:
		return Invalid("accountId", "give the account that it is of")
	case c.At.UTC().Year() < 1970 || c.At.After(now):
		return Invalid("at", "give a time from 1970 to now")
	}
	return nil
}

func (c *NewCorrection) amountFault() error {
	var faults []error
	some := false
	for _, amount := range []struct {
		field string
		n     int64
	}{{"requests", c.Requests}, {"cost", c.Cost}, {"bytesIn", c.BytesIn}, {"bytesOut", c.BytesOut}, {"amount", c.Amount}} {
		some = some || amount.n != 0
		switch {
		case c.Kind == KindVoid && amount.n != 0:
			faults = append(faults, Invalid(amount.field, "a void takes back what there is; leave it out"))
		case c.Kind == KindImport && amount.n < 0:
			faults = append(faults, Invalid(amount.field, "give at least 0; an adjustment may take away"))
		case amount.n < -MaxCorrection || amount.n > MaxCorrection:
			faults = append(faults, Invalid(amount.field, "give at most %d, up or down", int64(MaxCorrection)))
		}
	}
	switch {
	case c.Kind != KindVoid && !some:
		faults = append(faults, Invalid("requests", "give an amount that is not 0, of requests or of something else"))
	case c.Amount != 0 && c.MeterID == 0:
		faults = append(faults, Invalid("meterId", "give the meter that the amount is of"))
	}
	return errors.Join(faults...)
}

func textFault(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); n < 1 || n > most || !readable(text) {
		return Invalid(field, "give 1 to %d characters, without control characters and invisible ones", most)
	}
	return nil
}

// Same says whether a correction that was made asked for the same as c. Who asked
// makes no difference, and neither do the amounts of a void, which nobody gives.
func (c *NewCorrection) Same(made *Correction) bool {
	if c.Voids != made.Voids || c.Reason != made.Reason || c.Kind != made.Kind {
		return false
	}
	if c.Voids != 0 {
		return true
	}
	if c.AccountID != made.AccountID || c.KeyID != made.KeyID || c.EndpointID != made.EndpointID || c.TierID != made.TierID ||
		c.MeterID != made.MeterID || !c.At.Truncate(time.Minute).Equal(made.At) {
		return false
	}
	return c.Kind == KindVoid ||
		c.Requests == made.Requests && c.Cost == made.Cost && c.BytesIn == made.BytesIn && c.BytesOut == made.BytesOut && c.Amount == made.Amount
}
