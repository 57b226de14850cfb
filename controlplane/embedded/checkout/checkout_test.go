package checkout_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
)

func TestFind(t *testing.T) {
	t.Run("goes up to the top", func(t *testing.T) {
		c, err := checkout.Find(".")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(string(c), "Makefile")); err != nil {
			t.Error(err)
		}
	})
	t.Run("says so outside of a checkout", func(t *testing.T) {
		_, err := checkout.Find(t.TempDir())
		if err == nil || !strings.Contains(err.Error(), "not in a checkout of Weir") {
			t.Errorf("got %v", err)
		}
	})
}
