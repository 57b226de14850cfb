package controlplane

import (
	"errors"

	"github.com/weirhq/weir/plugin/book"
)

// Meter adds up what upstreams declare of their responses, each in a header field,
// such as tokens or rows.
type Meter struct {
	ID         ID
	Name       string
	Unit       string // what the amounts are of, such as tokens
	Header     string // field of the response that has the amount, lower case
	EndpointID ID     // the only one whose responses count; 0: all do
	Hidden     bool   // the field is taken out before the client sees it
	Revision   int    // counts its changes
}

// MeterEdit is a change of a meter; a nil field stays as it is.
type MeterEdit struct {
	ID         ID
	Revision   *int // that it is based on; nil: any
	Name       *string
	Unit       *string
	Header     *string
	EndpointID *ID // 0: all
	Hidden     *bool
}

// Bounds of a meter, characters.
const (
	maxMeterName = 64
	maxUnit      = 32
)

// ValidateMeter returns every mistake in a meter.
func ValidateMeter(m *Meter) error {
	return errors.Join(validateName("name", &m.Name, maxMeterName), validateName("unit", &m.Unit, maxUnit), validateHeader(m.Header))
}

// Validate returns every mistake in an edit.
func (e MeterEdit) Validate() error {
	var faults []error
	if e.Name != nil {
		faults = append(faults, validateName("name", e.Name, maxMeterName))
	}
	if e.Unit != nil {
		faults = append(faults, validateName("unit", e.Unit, maxUnit))
	}
	if e.Header != nil {
		faults = append(faults, validateHeader(*e.Header))
	}
	return errors.Join(faults...)
}

func validateHeader(header string) error {
	if book.HeaderFault(header) == "" {
		return nil
	}
	return Invalid("header", "give the name of a response header of the upstream's own in lower case, such as x-tokens, of at most %d characters; "+
		"fields of HTTP itself, such as content-length, and Weir's own can't be read", book.MaxHeaderBytes)
}
