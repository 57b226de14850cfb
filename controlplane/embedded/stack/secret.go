package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// minSecret is the shortest secret that is taken from a file.
const minSecret = 32

// keepSecret returns the secret in a file, which it makes when it is missing.
// Only the file's owner can read it.
func keepSecret(path string, fresh func() string) (string, error) {
	content, err := os.ReadFile(path)
	if err == nil {
		secret := strings.TrimSpace(string(content))
		if len(secret) < minSecret {
			return "", fmt.Errorf("%s holds no secret of at least %d characters; delete it to get a new one", path, minSecret)
		}
		return secret, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	secret := fresh()
	if err := writePrivate(path, secret+"\n"); err != nil {
		return "", err
	}
	return secret, nil
}

// writePrivate writes a file for its owner only, as a whole or not at all.
func writePrivate(path, content string) error {
	unfinished := path + ".unfinished"
	if err := os.WriteFile(unfinished, []byte(content), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		return fmt.Errorf("keep %s: %w", filepath.Base(path), err)
	}
	return nil
}

func newNodeToken() string { return controlplane.NewSecret("node_").Reveal() + newTail() }
func newAPIToken() string  { return controlplane.NewSecret("weir_").Reveal() + newTail() }
func newTail() string      { return controlplane.NewSecret("").Reveal() }
