package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

func TestLeakedKeysAreFoundInAText(t *testing.T) {
	db := audited(t)
	secret := controlplane.NewKeySecret(controlplane.Live)
	own, err := controlplane.SecretFrom("a key that was made elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]controlplane.Secret{"ours": secret, "own": own} {
		if _, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: 1, Name: name}, secret); err != nil {
			t.Fatal(err)
		}
	}
	text := "nothing here\nexport KEY=\"" + secret.Reveal() + "\"; # and more\n\n  a key that was made elsewhere\r\n" + controlplane.NewKeySecret(controlplane.Live).Reveal() + "\n"
	report := func(revoke bool) (string, error) {
		t.Helper()
		var out bytes.Buffer
		err := leakedCommand{Revoke: revoke}.report(t.Context(), strings.NewReader(text), &out)
		if strings.Contains(out.String(), secret.Reveal()) {
			t.Errorf("it repeats the secret: %s", out.String())
		}
		return out.String(), err
	}
	said, err := report(false)
	if !errors.Is(err, errLeaked) || !strings.Contains(said, `"ours" of acc_1, live`) || !strings.HasPrefix(said, "line 2: key_") ||
		!strings.Contains(said, "line 4: key_") || !strings.HasSuffix(said, "5 lines, 2 leaked keys\n") {
		t.Errorf("it says %s, %v", said, err)
	}
	if said, err = report(true); err != nil || strings.Count(said, "revoked now") != 2 {
		t.Errorf("it says %s, %v", said, err)
	}
}
