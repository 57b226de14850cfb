package stack

import (
	"net/http"
	"os"
	"os/exec"
	"syscall"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

// Serve starts the control plane as a process of its own, with its JetStream in
// it, and returns when it is ready. It ends with the test.
func (s *Stack) Serve() *process.Process {
	s.t.Helper()
	command := checkoutOf(s.t).Command()
	if _, err := os.Stat(command); err != nil {
		s.t.Fatalf("there is no weir command at %s; run make build", command)
	}
	cmd := exec.Command(command, "serve")
	cmd.Env = []string{
		"DATABASE_URL=" + s.Config.DatabaseURL, "NATS_URL=", "WEIR_STORE_DIR=" + s.Config.StoreDir,
		"WEIR_NODE_TOKEN=" + NodeToken, "WEIR_HTTP_ADDR=" + s.Config.HTTPAddr, "WEIR_EDGE_ADDR=" + s.Config.EdgeAddr,
	}
	cmd.Stderr = logFile(s.t)
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = syscall.Kill(child.PID(), syscall.SIGKILL) // it may be gone already
		<-child.Done()
	})
	s.Eventually("a control plane that is ready", func() bool {
		select {
		case <-child.Done():
			s.t.Fatalf("weir serve ended: %s", child.Ending())
		default:
		}
		resp, err := http.Get("http://" + s.Config.HTTPAddr + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return child
}
