package dev

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
)

func TestDevStopsInOrderUnderLoad(t *testing.T) {
	r := newDev(t).start()
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.env["WEIR_GATEWAY_ADDR"]+"/v1/users/7?delay=5ms", nil)
				if err != nil {
					t.Error(err)
					return
				}
				request.Header.Set("x-api-key", "demo-enterprise")
				response, err := client.Do(request)
				if err != nil {
					return // the gateway has closed
				}
				response.Body.Close()
				answered.Add(1)
			}
		})
	}
	for answered.Load() < 1000 && t.Context().Err() == nil {
		r.get("/hello")
	}
	status, printed := r.end(syscall.SIGINT)
	clients.Wait()
	if status != 0 || !strings.Contains(printed, "stopped; everything is kept in") {
		t.Errorf("Ctrl-C under load ends it with exit status %d: %s", status, printed)
	}
}

func TestMakeRunTakesAnEnvoyOfYourOwn(t *testing.T) {
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	d := newDev(t)
	d.command = []string{"make", "-C", string(top), "run"}
	if d.env["ENVOY"] = os.Getenv("ENVOY"); d.env["ENVOY"] == "" {
		d.env["ENVOY"] = top.Envoy()
	}
	r := d.start()
	if got := r.get("/hello").StatusCode; got != http.StatusOK {
		t.Errorf("the gateway answers %d", got)
	}
	// Ctrl-C goes to make and to what it runs.
	family := descendants(t, r.cmd.Process.Pid)
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, printed := r.await(family); !strings.Contains(printed, "stopped; everything is kept in") {
		t.Errorf("Ctrl-C printed %s", printed)
	}
}
