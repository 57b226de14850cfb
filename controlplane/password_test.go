package controlplane_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

func TestValidatePassword(t *testing.T) {
	for password, want := range map[string]string{
		"a few long words": "", "12345678901a": "", "пароль из слов": "",
		"short":                          "at least 12 characters",
		strings.Repeat("long words", 30): "at most 256 bytes",
		strings.Repeat(" ", 12):          "first that anybody would guess",
		"aaaaaaaaaaaa":                   "first that anybody would guess",
		"abababababab":                   "first that anybody would guess",
		"123456789012":                   "first that anybody would guess",
	} {
		err := controlplane.ValidatePassword("password", password)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", password, err, want)
		}
	}
}
