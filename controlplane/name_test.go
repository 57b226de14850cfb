package controlplane_test

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
)

func TestANameHasOneForm(t *testing.T) {
	letters := []rune("aeouAEnN \u0301\u0308\u0327\u030a\u00e9\u00f6\u212b\u1e9b\uac00\u1100\u1161\u11a8\u4e2d☎©\ufe0f\U000E0100\u00a0\u2003\u3000\u200d1\u20e3")
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(rapid.SampledFrom(letters), 1, 12).Draw(t, "name"))
		composed, taken := norm.NFC.String(name), norm.NFD.String(name)
		err1, err2 := controlplane.ValidateMemberName(&composed), controlplane.ValidateMemberName(&taken)
		if composed != taken || (err1 == nil) != (err2 == nil) || !norm.NFC.IsNormalString(composed) {
			t.Fatalf("%q is %q (%v) and %q (%v)", name, composed, err1, taken, err2)
		}
		again := composed
		if err := controlplane.ValidateMemberName(&again); again != composed || (err == nil) != (err1 == nil) {
			t.Fatalf("%q becomes %q once more: %v", composed, again, err)
		}
		if err1 == nil && strings.ContainsAny(composed, "\u00a0\u2003\u3000") {
			t.Fatalf("%q has another space", composed)
		}
	})
}

func TestNamesWithWhatCannotBeSeen(t *testing.T) {
	for name, want := range map[string]string{
		"a\u00a0b": "name: use ordinary spaces only, U+0020; this has a U+00A0", "a\u3000b": "U+3000", "\u2009a": "U+2009",
		"a\ufe0f": "variation selectors", "\ufe0fa": "variation selectors", "1\ufe0f": "variation selectors", "☎\ufe0f\ufe0f": "variation selectors",
		"+\ufe0f": "variation selectors", "a\U000E0100": "variation selectors",
		"☎\ufe0f Support": "", "1\ufe0f\u20e3": "", "©\ufe0e": "", "葛\U000E0100": "", "👩\u200d❤\ufe0f\u200d👩": "", "ᠠ\u180b": "",
	} {
		err := controlplane.ValidateMemberName(&name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+q: %v, want %q", name, err, want)
		}
	}
}

func TestAFilterOfNamesHasTheirForm(t *testing.T) {
	f := controlplane.AccountFilter{Names: []string{"A\u0308lder"}}
	if err := f.Validate(); err != nil || f.Names[0] != "\u00c4lder" {
		t.Errorf("%q, %v", f.Names, err)
	}
}
