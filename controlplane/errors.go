package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Code sorts the errors that a caller can do something about.
type Code string

// The codes. They are part of the GraphQL API, as extensions.code.
const (
	CodeValidation      Code = "VALIDATION"      // the input is at fault; Field says where
	CodeNotFound        Code = "NOT_FOUND"       // there is no such thing
	CodeConflict        Code = "CONFLICT"        // the state does not allow it now
	CodeUnauthenticated Code = "UNAUTHENTICATED" // nobody is signed in
	// CodeIdempotencyMismatch: an Idempotency-Key was used for another request.
	CodeIdempotencyMismatch Code = "IDEMPOTENCY_MISMATCH"
	// CodeCarriedOut: the request with this Idempotency-Key was carried out, and its
	// answer is lost; the objects that it changed are told.
	CodeCarriedOut Code = "CARRIED_OUT"

	CodeForbidden Code = "FORBIDDEN" // who is signed in may not; Permission says what it takes
	CodeTimeout   Code = "TIMEOUT"   // it took too long, and was given up
	// CodeOperationUnknown: the document is none of those that API tokens may run.
	CodeOperationUnknown Code = "OPERATION_UNKNOWN"
)

// Codes returns every code.
func Codes() []Code {
	return []Code{CodeValidation, CodeNotFound, CodeConflict, CodeUnauthenticated, CodeForbidden, CodeIdempotencyMismatch, CodeCarriedOut, CodeTimeout, CodeOperationUnknown}
}

// Error is a caller's mistake, told in a sentence that says what to do. Every
// other error is a fault of ours, and callers only learn that there was one.
type Error struct {
	Code    Code
	Field   string // path in the input, such as limits.0.amount; empty if none
	Message string
	// Permission is the one that is missing, with CodeForbidden; empty when the
	// caller is bound to an account and none would help.
	Permission string
	// Objects are the ids of what a request changed, with CodeCarriedOut.
	Objects []string
	// Revision is what an object is at that somebody else changed since the revision
	// that an edit is based on, with CodeConflict; 0 with other conflicts. Changed is what
	// they changed, ChangedBy who was the last and ChangedAt when; empty when that isn't
	// known.
	Revision  int
	Changed   []FieldChange
	ChangedBy string
	ChangedAt time.Time
}

// FieldChange is one difference between two revisions of an object.
type FieldChange struct {
	Path          string          // such as limits.per-minute.amount
	Before, After json.RawMessage // nil: not there
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Invalid is the error for an input field with a wrong value.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeValidation, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NotFound is the error for an id that names nothing.
func NotFound(field, what string) *Error {
	return &Error{Code: CodeNotFound, Field: field, Message: "there is no such " + what}
}

// Conflict is the error for a change that the present state rules out.
func Conflict(field, format string, args ...any) *Error {
	return &Error{Code: CodeConflict, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Forbidden is the error for what a caller lacks a permission for; empty when it
// isn't for callers that are bound to an account.
func Forbidden(permission string) *Error {
	message := "you lack the permission " + permission
	if permission == "" {
		message = "this is not for those who see one account only"
	}
	return &Error{Code: CodeForbidden, Message: message, Permission: permission}
}

// Faults returns the caller's mistakes in err, in order, or nil when err is
// something else. Several mistakes travel as errors.Join of them.
func Faults(err error) []*Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			f := Faults(e)
			if f == nil {
				return nil
			}
			all = append(all, f...)
		}
		return all
	}
	var one *Error
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}

// Below returns err with the fields of a caller's mistakes below that of what they are
// in, such as endpoints.2; any other error as it is.
func Below(field string, err error) error {
	faults := Faults(err)
	if faults == nil {
		return err
	}
	below := make([]error, len(faults))
	for i, f := range faults {
		moved := *f
		if moved.Field = field; f.Field != "" {
			moved.Field += "." + f.Field
		}
		below[i] = &moved
	}
	return errors.Join(below...)
}
