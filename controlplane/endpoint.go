package controlplane

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/weirhq/weir/plugin/book"
)

// Endpoint is a method plus a path template: the unit that usage is counted by.
type Endpoint struct {
	ID       ID
	Method   string // upper case; * for any
	Template string // such as /v1/users/{id}
	Cost     int    // cost units of one request
	GroupID  ID     // 0: in none
	SourceID ID     // 0: made by hand
	Revision int    // counts its changes
}

// EndpointSource is what endpoints were imported from: the last document under its
// name.
type EndpointSource struct {
	ID         ID
	Name       string
	Title      string
	Version    string // the document's own
	OpenAPI    string // version of the format
	BasePath   string // before every path
	Digest     []byte // SHA-256 of the document
	ImportedAt time.Time
}

// EndpointUse is something that names an endpoint: a limit, a key's scope or a
// custom meter.
type EndpointUse struct {
	Kind Kind
	ID   ID
	Name string
}

// EndpointEdit is a change of an endpoint; a nil field stays as it is.
type EndpointEdit struct {
	ID       ID
	Revision *int // that it is based on; nil: any
	Cost     *int
	GroupID  *ID // 0 takes it out of its group
}

// EndpointGroup is a named set of endpoints that one limit can count together.
type EndpointGroup struct {
	ID   ID
	Name string
}

// Bounds of an endpoint.
const (
	MaxTemplateSegments = 32
	MaxTemplateBytes    = 512
	MaxCost             = 1_000_000
)

var (
	methodName = regexp.MustCompile(`^([A-Z]{1,20}|\*)$`)
	paramName  = regexp.MustCompile(`^\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	literal    = regexp.MustCompile(`^([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$`)
)

// ValidateEndpoint returns every mistake in an endpoint.
func ValidateEndpoint(e Endpoint) error {
	var faults []error
	if !methodName.MatchString(e.Method) {
		faults = append(faults, Invalid("method", "give an HTTP method such as GET, or * for any"))
	}
	faults = append(faults, validateTemplate(e.Template))
	if e.Cost < 1 || e.Cost > MaxCost {
		faults = append(faults, Invalid("cost", "give a whole number from 1 to %d", MaxCost))
	}
	return errors.Join(faults...)
}

// Validate returns every mistake in an edit.
func (e EndpointEdit) Validate() error {
	if e.Cost != nil && (*e.Cost < 1 || *e.Cost > MaxCost) {
		return Invalid("cost", "give a whole number from 1 to %d", MaxCost)
	}
	return nil
}

// ValidateEndpointGroup returns every mistake in a group's name.
func ValidateEndpointGroup(name *string) error { return validateName("name", name, 64) }

func validateTemplate(template string) error {
	if !strings.HasPrefix(template, "/") {
		return Invalid("template", "begin with a slash, as in /v1/users/{id}")
	}
	segments := strings.Split(template[1:], "/")
	if len(segments) > MaxTemplateSegments || len(template) > MaxTemplateBytes {
		return Invalid("template", "use at most %d segments and %d characters", MaxTemplateSegments, MaxTemplateBytes)
	}
	for i, s := range segments {
		switch {
		case s == "" && i < len(segments)-1:
			return Invalid("template", "leave out the empty segment (two slashes in a row)")
		case !literal.MatchString(s) && !paramName.MatchString(s):
			return Invalid("template", "segment %q is neither plain path text nor one {name}; a segment can't mix both, and a query has no place here", s)
		}
	}
	if plain := book.PlainPath(template); plain != template {
		return Invalid("template", "write it %s; requests match it in every spelling, and with any ;parameters", plain)
	}
	return nil
}

// SameRoute says whether two templates match the same paths: they differ at
// most in the names of their parameters.
func SameRoute(a, b string) bool { return RouteOf(a) == RouteOf(b) }

// RouteOf returns the template with its parameter names left out.
func RouteOf(template string) string {
	segments := strings.Split(template, "/")
	for i, s := range segments {
		if paramName.MatchString(s) {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}
