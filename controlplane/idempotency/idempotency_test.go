package idempotency_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/idempotency"
)

const text = "8e03978e-40d5-43dd-bc93-6894a57f9324"

func parsed(t *testing.T, values ...string) idempotency.Key {
	t.Helper()
	k, err := idempotency.Parse(values)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParse(t *testing.T) {
	t.Run("in quotation marks or bare it is the same key", func(t *testing.T) {
		if parsed(t, text).Digest() != parsed(t, ` "`+text+`"`).Digest() {
			t.Error("they differ")
		}
	})
	for name, values := range map[string][]string{
		"short": {"fifteen-letters"}, "long": {strings.Repeat("x", 256)}, "two": {text, text}, "a space": {text + " " + text},
		"a list": {`"` + text + `", "x"`}, "not closed": {`"` + text}, "not ASCII": {text + "ü"}, "none": {}, "empty": {""},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if _, err := idempotency.Parse(values); err == nil {
				t.Errorf("%q is taken", values)
			}
		})
	}
	if shown := fmt.Sprintf("%v %+v %s", parsed(t, text), parsed(t, text), parsed(t, text)); strings.Contains(shown, text) {
		t.Error("a key prints its text")
	}
}

func TestOnlyTheSameKeyOpensAnAnswer(t *testing.T) {
	k, context := parsed(t, text), []byte("of this operation")
	sealed, err := k.Seal([]byte("wk_live_secret"), context)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("it can be read")
	}
	if got, err := k.Open(sealed, context); err != nil || string(got) != "wk_live_secret" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := parsed(t, text+"5").Open(sealed, context); err == nil {
		t.Errorf("another key read %q", got)
	}
	if got, err := k.Open(sealed, []byte("of another")); err == nil {
		t.Errorf("for another operation it is %q", got)
	}
	for n := range len(sealed) {
		if _, err := k.Open(sealed[:n], context); err == nil {
			t.Errorf("%d of %d bytes open", n, len(sealed))
		}
	}
	again, err := k.Seal([]byte("wk_live_secret"), context)
	if err != nil || bytes.Equal(sealed, again) {
		t.Error("two answers are sealed alike")
	}
}
