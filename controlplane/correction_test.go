package controlplane_test

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
)

func TestACorrectionIsOfATimeFrom1970InUTC(t *testing.T) {
	c := controlplane.NewCorrection{
		Kind: controlplane.KindImport, ClientID: "a", AccountID: 1, Reason: "the old meter", Actor: "tester",
		At: time.Date(1970, 1, 1, 14, 0, 0, 0, time.FixedZone("", 14*3600)),
	}
	c.Requests = 1
	if err := c.Validate(time.Now()); err != nil {
		t.Error(err)
	}
	c.At = c.At.Add(-time.Minute)
	if err := c.Validate(time.Now()); err == nil || !strings.Contains(err.Error(), "1970") {
		t.Errorf("got %v, want it refused", err)
	}
}
