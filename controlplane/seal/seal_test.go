package seal_test

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/seal"
)

func newKey(t *testing.T) string {
	t.Helper()
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func newBox(t *testing.T, keys ...string) *seal.Box {
	t.Helper()
	box, err := seal.New(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestSealedTexts(t *testing.T) {
	old, fresh := newKey(t), newKey(t)
	before, both, after := newBox(t, old), newBox(t, fresh, old), newBox(t, fresh)
	const owner, text = "member 7", "JBSWY3DPEHPK3PXP"
	sealed := before.Seal(owner, text)

	t.Run("don't show the text, and differ each time", func(t *testing.T) {
		if strings.Contains(sealed, text) || sealed == before.Seal(owner, text) {
			t.Errorf("sealed as %s", sealed)
		}
	})
	t.Run("open with the key, among others", func(t *testing.T) {
		for _, box := range []*seal.Box{before, both} {
			if got, err := box.Open(owner, sealed); got != text || err != nil {
				t.Errorf("opened %q, %v", got, err)
			}
		}
	})
	t.Run("don't open without the key", func(t *testing.T) {
		for _, box := range []*seal.Box{after, nil} {
			if got, err := box.Open(owner, sealed); err == nil || got != "" {
				t.Errorf("opened %q", got)
			}
		}
	})
	t.Run("don't open for another owner", func(t *testing.T) {
		if got, err := before.Open("member 8", sealed); err == nil || got != "" {
			t.Errorf("opened %q", got)
		}
	})
	t.Run("don't open when changed", func(t *testing.T) {
		for i := range sealed {
			changed := sealed[:i] + string(sealed[i]^1) + sealed[i+1:]
			if got, err := before.Open(owner, changed); err == nil && got == text {
				t.Fatalf("changed at %d, it opened", i)
			}
		}
	})
	t.Run("are fresh with the first key only", func(t *testing.T) {
		if !before.Fresh(sealed) || both.Fresh(sealed) || (*seal.Box)(nil).Fresh(sealed) {
			t.Error("another key's is fresh")
		}
		if before.Fresh(text) || !(*seal.Box)(nil).Fresh(text) || !before.Fresh("") {
			t.Error("plain texts are fresh without keys only")
		}
	})
}

func TestWithoutKeysTextsStayAsTheyAre(t *testing.T) {
	box := newBox(t, "")
	if box != nil || box.Seal("member 7", "JBSW") != "JBSW" {
		t.Error("sealed without a key")
	}
	if got, err := box.Open("member 7", "JBSW"); got != "JBSW" || err != nil {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestTheDocumentsCommandMakesAKey(t *testing.T) {
	doc, err := os.ReadFile("../../docs/people.md")
	if err != nil {
		t.Fatal(err)
	}
	const command = "head -c 32 /dev/urandom | base64"
	if !strings.Contains(string(doc), "$ "+command+"\n") {
		t.Fatalf("docs/people.md doesn't have %q", command)
	}
	made, err := exec.Command("sh", "-c", command).Output()
	if err != nil {
		t.Fatal(err)
	}
	newBox(t, string(made))
}

func TestBadKeysAreRefused(t *testing.T) {
	good := newKey(t)
	for name, keys := range map[string]string{
		"too short": base64.StdEncoding.EncodeToString(make([]byte, 16)), "no base64": strings.Repeat("*", 44),
		"too many": strings.Repeat(good+" ", seal.MaxKeys+1), "a bad second": good + "\nx",
	} {
		if box, err := seal.New(keys); err == nil || box != nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error repeats a key", name)
		}
	}
}
