package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// documents are the GraphQL definitions of the dashboard's source, by name.
type documents map[string]string

var (
	literal    = regexp.MustCompile("graphql\\(\\s*`([^`]*)`")
	definition = regexp.MustCompile(`^\s*(?:query|mutation|subscription|fragment)\s+(\w+)`)
	spread     = regexp.MustCompile(`\.\.\.(\w+)`)
)

// readDocuments reads those of a directory of TypeScript.
func readDocuments(dir string) (documents, error) {
	d := documents{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".ts") && !strings.HasSuffix(path, ".tsx") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range literal.FindAllStringSubmatch(string(source), -1) {
			text := strings.ReplaceAll(found[1], "@_unmask", "") // the client's own
			name := definition.FindStringSubmatch(text)
			if name == nil {
				return fmt.Errorf("%s: a GraphQL document without a name: %.60s", path, text)
			}
			if _, ok := d[name[1]]; ok {
				return fmt.Errorf("%s: %s is there twice", path, name[1])
			}
			d[name[1]] = text
		}
		return nil
	})
	return d, err
}

// operation returns an operation with the fragments that it uses.
func (d documents) operation(name string) (string, error) {
	var text strings.Builder
	seen := []string{name}
	for i := 0; i < len(seen); i++ {
		part, ok := d[seen[i]]
		if !ok {
			return "", fmt.Errorf("the dashboard has no GraphQL document called %s", seen[i])
		}
		text.WriteString(part)
		for _, used := range spread.FindAllStringSubmatch(part, -1) {
			if !slices.Contains(seen, used[1]) {
				seen = append(seen, used[1])
			}
		}
	}
	return text.String(), nil
}
