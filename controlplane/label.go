package controlplane

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Labels are what an account is marked with, by key.
type Labels map[string]string

// Label is one of an account's labels.
type Label struct{ Key, Value string }

// Bounds of labels.
const (
	MaxLabels     = 32
	maxLabelKey   = 63  // characters
	maxLabelValue = 128 // characters
)

var labelKey = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$`)

// Validate returns every mistake in labels. The errors name field.
func (l Labels) Validate(field string) error {
	var faults []error
	if len(l) > MaxLabels {
		faults = append(faults, Invalid(field, "give at most %d labels", MaxLabels))
	}
	for _, label := range l.List() {
		switch {
		case len(label.Key) > maxLabelKey || !labelKey.MatchString(label.Key):
			faults = append(faults, Invalid(field, "%.80q can't be a label's key: use 1 to %d letters from A to Z, digits, and . _ - / between them", label.Key, maxLabelKey))
		case utf8.RuneCountInString(label.Value) > maxLabelValue:
			faults = append(faults, Invalid(field, "%s: use at most %d characters", label.Key, maxLabelValue))
		case !readable(label.Value) || strings.TrimSpace(label.Value) != label.Value:
			faults = append(faults, Invalid(field, "%s: leave out control characters, invisible ones, and space before and after", label.Key))
		}
	}
	return errors.Join(faults...)
}

// List returns the labels by key.
func (l Labels) List() []Label {
	list := make([]Label, 0, len(l))
	for _, key := range slices.Sorted(maps.Keys(l)) {
		list = append(list, Label{key, l[key]})
	}
	return list
}
