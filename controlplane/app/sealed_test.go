package app_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/seal"
)

func newSecretKey(t *testing.T) string {
	t.Helper()
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// withKeys seals with the first of these keys.
func withKeys(t *testing.T, keys ...string) func(*app.Config) {
	t.Helper()
	box, err := seal.New(strings.Join(keys, " "))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *app.Config) { c.Secrets = box }
}

// storedSecret is what the database has of the one second step.
func storedSecret(t *testing.T, url string) (stored string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), `select totp_secret from members where totp_secret is not null`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestSecretsOfSecondStepsAreSealedAndKeysMayChange(t *testing.T) {
	url := databases.New(t)
	old, fresh := newSecretKey(t), newSecretKey(t)
	p := openOn(t, url)
	b := p.joined("ada@example.com", controlplane.RoleViewer)
	var begun struct{ BeginTotp struct{ Secret string } }
	if errs := b.run(`mutation{beginTotp{secret}}`, &begun); errs != nil {
		t.Fatalf("%+v", errs)
	}
	secret := begun.BeginTotp.Secret
	codeAt := func(at time.Time) string {
		code, err := totp.GenerateCode(secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	if errs := b.run(fmt.Sprintf(`mutation{confirmTotp(code:%q){codes}}`, codeAt(time.Now())), nil); errs != nil {
		t.Fatalf("%+v", errs)
	}
	if got := storedSecret(t, url); got != secret {
		t.Fatalf("without a key, %q is stored", got)
	}

	with := &browser{plane: openOn(t, url, withKeys(t, old))}
	sealed := storedSecret(t, url)
	if strings.Contains(sealed, secret) {
		t.Errorf("with a key, %q is stored", sealed)
	}
	if got := with.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": password}); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if got := with.post("/auth/sign-in", map[string]string{"code": codeAt(time.Now().Add(30 * time.Second))}); got.Status != http.StatusNoContent {
		t.Errorf("with a sealed secret: %d %s", got.Status, got.Body)
	}

	openOn(t, url, withKeys(t, fresh, old))
	again := storedSecret(t, url)
	box, err := seal.New(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if again == sealed || !box.Fresh(again) {
		t.Errorf("with another first key, %q is stored", again)
	}

	c := app.Config{
		DatabaseURL: databases.AsApp(t, url), MigrateNever: true, StoreDir: t.TempDir(),
		HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0", NodeToken: nodeToken, Log: slog.New(slog.DiscardHandler),
	}
	withKeys(t, old)(&c)
	if _, err := app.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "not among those given") {
		t.Errorf("without the key: %v", err)
	}
	if got := storedSecret(t, url); got != again {
		t.Errorf("without the key, %q is stored", got)
	}
}
