package openapi

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/weirhq/weir/plugin/book"
)

// variable is one in a server's URL.
var variable = regexp.MustCompile(`\{[^{}]*\}`)

// servers returns the paths of servers, each once, in their order.
func (w *walker) servers(at place) ([]string, error) {
	var bases []string
	err := w.items(at, func(server place) error {
		var address place
		defaults := map[string]string{}
		err := w.fields(server, func(name string, value place) (err error) {
			switch name {
			case "url":
				address = value
			case "variables":
				err = w.variables(defaults, value)
			}
			return err
		})
		if err != nil {
			return err
		}
		if address.Node == nil {
			return fault(server, "a server needs a url")
		}
		base, err := basePath(address, defaults)
		if err == nil && !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
		return err
	})
	return bases, err
}

func (w *walker) variables(defaults map[string]string, at place) error {
	return w.fields(at, func(name string, value place) error {
		standard, err := w.field(value, "default")
		if err != nil || standard.Node == nil {
			return err
		}
		defaults[name], err = text(standard)
		return err
	})
}

// basePath returns the path of a server's URL without a slash at its end.
func basePath(at place, defaults map[string]string) (string, error) {
	written, err := text(at)
	if err != nil {
		return "", err
	}
	address := variable.ReplaceAllStringFunc(written, func(name string) string {
		return defaults[strings.Trim(name, "{}")]
	})
	u, err := url.Parse(address)
	if err != nil {
		return "", fault(at, "%q is no URL", cut(written))
	}
	// Relative ones are relative to where the document is, which nobody knows here:
	// most often that is the root.
	path := "/" + strings.TrimPrefix(strings.TrimPrefix(u.EscapedPath(), "."), "/")
	return strings.TrimRight(book.PlainPath(path), "/"), nil
}
