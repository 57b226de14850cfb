package controlplane

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AccountFilter narrows a list of accounts. Zero values do not narrow.
type AccountFilter struct {
	// Text is words, each of which has to be found: in the name, in a label as
	// key=value or in an identity, whatever the case and accents; at the beginning of
	// a key; or as the account's id.
	Text            string
	TierID          ID
	Statuses        []AccountStatus // any of these
	Labels          []LabelFilter   // all of these
	TrialEndsBefore *time.Time
	Names           []string // any of these
	IDs             []ID     // any of these
}

// LabelFilter is what a label has to be.
type LabelFilter struct {
	Key   string
	Value *string // nil: whatever
}

// Bounds of a filter.
const (
	maxSearch       = 128
	maxSearchWords  = 8
	maxLabelFilters = 8
	maxNameFilters  = 200
)

// Validate returns what is wrong with a filter, and brings its names into the form in
// which names are stored.
func (f AccountFilter) Validate() error {
	faults := []error{ValidateSearch("text", f.Text)}
	if len(f.Words()) > maxSearchWords {
		faults = append(faults, Invalid("text", "use at most %d words", maxSearchWords))
	}
	if len(f.Labels) > maxLabelFilters {
		faults = append(faults, Invalid("labels", "give at most %d labels", maxLabelFilters))
	}
	if len(f.Names) > maxNameFilters {
		faults = append(faults, Invalid("names", "give at most %d names", maxNameFilters))
	}
	for i, name := range f.Names {
		f.Names[i] = norm.NFC.String(name)
		faults = append(faults, ValidateSearch("names."+strconv.Itoa(i), name))
	}
	for i, l := range f.Labels {
		value := ""
		if l.Value != nil {
			value = *l.Value
		}
		faults = append(faults, Labels{l.Key: value}.Validate("labels."+strconv.Itoa(i)))
	}
	return errors.Join(faults...)
}

// Words returns the words of the text.
func (f AccountFilter) Words() []string { return strings.Fields(f.Text) }

// ValidateSearch returns what is wrong with a text to search for.
func ValidateSearch(field, text string) error {
	switch {
	case utf8.RuneCountInString(text) > maxSearch:
		return Invalid(field, "use at most %d characters", maxSearch)
	case !readable(text):
		return Invalid(field, "leave out control characters and invisible ones")
	}
	return nil
}

// AccountOrder is the order of a list of accounts; those alike stand by id.
type AccountOrder struct {
	By         AccountOrderBy
	Descending bool
}

// AccountOrderBy is what accounts are put in order by.
type AccountOrderBy string

// What accounts are put in order by.
const (
	ByAccountName AccountOrderBy = "NAME"
	ByCreation    AccountOrderBy = "CREATED_AT"
	ByTrialEnd    AccountOrderBy = "TRIAL_ENDS_AT" // those without a trial last
)
