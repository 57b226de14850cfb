package cli

import (
	"errors"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/weirhq/weir/controlplane"
)

// typed is how what the API calls a field is given on the command line that was parsed:
// by flags such as --billing-day, and by arguments such as <name>.
//
// A flag or an argument stands for the field of its name, and for the list or the ids of
// that: --account for account, accounts, accountId and accountIds. The tag field names
// others, with commas.
func typed(parsed *kong.Context) func(field string) string {
	names, given := map[string]string{}, map[string]bool{}
	add := func(v *kong.Value, shown string, set bool) {
		name := camel(v.Name)
		fields := []string{name, name + "s", name + "es", name + "Id", name + "Ids"}
		if tag := v.Tag.Get("field"); tag != "" {
			fields = append(fields, strings.Split(tag, ",")...)
		}
		for _, f := range fields {
			// Of several that stand for a field, the one that was given is meant.
			if _, there := names[f]; !there || set && !given[f] {
				names[f], given[f] = shown, set
			}
		}
	}
	node := parsed.Selected()
	if node == nil {
		return func(field string) string { return field }
	}
	for _, p := range node.Positional {
		add(p, "<"+p.Name+">", true)
	}
	for _, flag := range node.Flags {
		add(flag.Value, "--"+flag.Name, flag.Set)
	}
	return func(field string) string { return typedAs(names, field) }
}

// typedAs looks for the whole of a field without the numbers in it, for that without its
// ends, and for each of its ends.
func typedAs(names map[string]string, field string) string {
	var words []string
	for _, word := range strings.Split(field, ".") {
		if _, err := strconv.Atoi(word); err != nil && word != "input" && word != "filter" {
			words = append(words, word)
		}
	}
	for begin := range words {
		for end := len(words); end > begin; end-- {
			if name, ok := names[strings.Join(words[begin:end], ".")]; ok {
				return name
			}
		}
	}
	return field
}

// camel is a flag's name as a field's.
func camel(flag string) string {
	words := strings.Split(flag, "-")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// field is what a field was given by; a field of a row or of a file is its own name.
func (t *Terminal) field(name string) string {
	if t.typed == nil {
		return name
	}
	return t.typed(name)
}

// Named has an error of the control plane's own packages name what was typed.
func (t *Terminal) Named(err error) error {
	faults := controlplane.Faults(err)
	if len(faults) == 0 {
		return err
	}
	named := make([]error, len(faults))
	for i, f := range faults {
		renamed := *f
		renamed.Field = t.field(f.Field)
		named[i] = &renamed
	}
	return errors.Join(named...)
}
