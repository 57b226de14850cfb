package dev

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/openid/openidtest"
)

var signInLink = regexp.MustCompile(`http://\S+/sign-in#token=\S+`)

// TestDashboardInABrowser runs the browser tests of frontend/e2e, in a real
// Chromium, against a weir dev of its own.
func TestDashboardInABrowser(t *testing.T) {
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	provider := openidtest.Start(t, openidtest.Person{Name: "ada", Email: "ada@example.com", Verified: true})
	d := newDev(t)
	provider.Serve("http://" + d.env["WEIR_HTTP_ADDR"])
	d.env["WEIR_OIDC_ISSUER"], d.env["WEIR_OIDC_CLIENT_ID"], d.env["WEIR_OIDC_CLIENT_SECRET"] = provider.Issuer, openidtest.ClientID, openidtest.ClientSecret
	d.env["WEIR_OIDC_LABEL"] = "Example Inc."
	r := d.start()
	defer r.end(syscall.SIGTERM)

	playwright := exec.Command(filepath.Join(string(top), "frontend/node_modules/.bin/playwright"), "test")
	playwright.Dir = filepath.Join(string(top), "frontend")
	playwright.Env = append(os.Environ(),
		"CHROMIUM="+chromium(t, top),
		"WEIR_URL=http://"+r.env["WEIR_HTTP_ADDR"],
		"WEIR_GATEWAY_URL=http://"+r.env["WEIR_GATEWAY_ADDR"],
		"WEIR_OIDC_EMAIL=ada@example.com",
		"WEIR_OIDC_PASSWORD="+openidtest.Password,
		"WEIR_SIGN_IN_LINK="+signInLink.FindString(r.ready),
	)
	// As it comes, so that a run that is cut off shows how far it was.
	playwright.Stdout, playwright.Stderr = t.Output(), t.Output()
	if err := playwright.Run(); err != nil {
		t.Errorf("%v (make tools installs what is missing)", err)
	}
}

// chromium is CHROMIUM, or the machine's own, or what make tools installed.
func chromium(t *testing.T, top checkout.Checkout) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if _, err := os.Stat(top.Chromium()); err != nil {
		t.Fatal("there is no Chromium; run make tools, or set CHROMIUM to the path of one")
	}
	return top.Chromium()
}
