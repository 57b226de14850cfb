package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

const answer = `{"items":[]}` + "\n"

// serveUpstream answers everything with the same few bytes until it is ended.
func serveUpstream(address string) error {
	err := http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(answer)) // an error here is the proxy's going away
	}))
	return fmt.Errorf("serve the upstream: %w", err)
}

// startUpstream runs this program once more, as the upstream.
func startUpstream() (*process.Process, string, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	command := exec.Command(self, "upstream", address)
	command.Stderr = os.Stderr
	p, err := process.Start(command, syscall.SIGKILL)
	if err != nil {
		return nil, "", err
	}
	return p, address, awaitListener(p, address)
}

// freeAddress returns an address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
