// Package secretenv reads secrets, which are not flags because other users of the
// machine can read those. In comes the name of an environment variable; out comes its
// value, or what is in the file that the variable with _FILE at its end names.
package secretenv

import (
	"fmt"
	"os"
	"strings"
)

// Read reads a secret from the environment variable of that name, or from the
// file that name_FILE names. It is empty when neither is set.
func Read(name string) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	switch {
	case value != "" && path != "":
		return "", fmt.Errorf("both %s and %[1]s_FILE are set; unset one of them", name)
	case path == "":
		return value, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the file that %s_FILE names: %w", name, err)
	}
	value = strings.TrimSpace(string(content))
	if value == "" {
		return "", fmt.Errorf("the file that %s_FILE names, %s, is empty", name, path)
	}
	return value, nil
}

// Must is Read for one that there is no doing without.
func Must(name, what string) (string, error) {
	value, err := Read(name)
	if err == nil && value == "" {
		return "", fmt.Errorf("set %s to %s, or %[1]s_FILE to the path of a file that holds it", name, what)
	}
	return value, err
}
