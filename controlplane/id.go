package controlplane

import (
	"strconv"
	"strings"
)

// ID is a row's identity. Zero is no row.
type ID int64

// Kind is what an identity is of. It stands before the number wherever people
// or scripts see one, so that an id can't be passed for one of another kind.
type Kind string

// The kinds.
const (
	KindAccount  Kind = "acc"
	KindKey      Kind = "key"
	KindTier     Kind = "tier"
	KindLimit    Kind = "lim"
	KindEndpoint Kind = "end"
	KindGroup    Kind = "grp"
	KindOverride Kind = "ovr"
	KindIdentity Kind = "idn"
	KindDenial   Kind = "den"
	KindMeter    Kind = "mtr"
	KindSource   Kind = "src" // of endpoints

	KindUnaccounted Kind = "una"
	KindCorrection  Kind = "cor"
	KindSchedule    Kind = "sch"

	KindVersion  Kind = "ver" // of a tier
	KindTierMove Kind = "tmv"
	KindMove     Kind = "mov" // of an account
	KindPilot    Kind = "plt" // of limits

	KindMember  Kind = "mem"
	KindSession Kind = "ses"
	KindToken   Kind = "tok"
)

// Format writes an identity as people see it, such as acc_7.
func (k Kind) Format(id ID) string {
	return string(k) + "_" + strconv.FormatInt(int64(id), 10)
}

// Parse reads what Format wrote. The error names field.
func (k Kind) Parse(field, s string) (ID, error) {
	digits, ok := strings.CutPrefix(s, string(k)+"_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 || k.Format(ID(n)) != s {
		return 0, Invalid(field, "give an id such as %s_7", string(k))
	}
	return ID(n), nil
}

// NoID stands for what has no identity, in a list of identities to filter by.
const NoID = "NONE"

// MaxIDs is how many identities one list may have.
const MaxIDs = 1000

// ParseIDs reads identities that are each of one of the kinds, or NoID, which is
// 0. Errors name field and the place in it.
func ParseIDs(field string, texts []string, kinds ...Kind) ([]ID, error) {
	if len(texts) > MaxIDs {
		return nil, Invalid(field, "give at most %d ids", MaxIDs)
	}
	ids := make([]ID, len(texts))
	for i, text := range texts {
		if text == NoID {
			continue
		}
		var err error
		for _, kind := range kinds {
			if ids[i], err = kind.Parse(field+"."+strconv.Itoa(i), text); err == nil {
				break
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}
