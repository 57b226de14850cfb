package process_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

// TestMain lets this test binary stand in for a program that starts a child and
// is then killed.
func TestMain(m *testing.M) {
	if os.Getenv("WEIR_TEST_PARENT") != "" {
		p, err := process.Start(exec.Command("sleep", "600"), syscall.SIGKILL)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.PID())
		select {}
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, name string, args ...string) *process.Process {
	t.Helper()
	p, err := process.Start(exec.Command(name, args...), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStop(t *testing.T) {
	const long = time.Minute
	t.Run("the first signal is enough", func(t *testing.T) {
		p := start(t, "sleep", "600")
		missed, err := p.Stop(context.Background(), process.Step{Signal: syscall.SIGTERM, Within: long})
		if missed != 0 || err != nil {
			t.Fatalf("missed %d steps, %v", missed, err)
		}
		if got := p.Ending(); !strings.Contains(got, "terminated") {
			t.Errorf("ended by %q", got)
		}
	})
	t.Run("a deaf child is killed", func(t *testing.T) {
		cmd := exec.Command("sh", "-c", `trap '' TERM; echo deaf; while :; do sleep 1; done`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		p, err := process.Start(cmd, syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		missed, err := p.Stop(context.Background(), process.Step{Signal: syscall.SIGTERM, Within: time.Millisecond})
		if missed != 1 || err != nil {
			t.Fatalf("missed %d steps, %v", missed, err)
		}
		if got := p.Ending(); !strings.Contains(got, "killed") {
			t.Errorf("ended by %q", got)
		}
	})
	t.Run("an ended context kills at once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p := start(t, "sleep", "600")
		if _, err := p.Stop(ctx, process.Step{Signal: syscall.SIGCONT, Within: long}); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
	})
	t.Run("an ended child needs nothing", func(t *testing.T) {
		p := start(t, "true")
		if !p.Succeeded() {
			t.Fatal(p.Ending())
		}
		missed, err := p.Stop(context.Background(), process.Step{Signal: syscall.SIGTERM, Within: long})
		if missed != 0 || err != nil {
			t.Fatalf("missed %d steps, %v", missed, err)
		}
	})
}

func TestStartNamesAMissingProgram(t *testing.T) {
	_, err := process.Start(exec.Command("/no/such/program"), syscall.SIGKILL)
	if err == nil || !strings.Contains(err.Error(), "start /no/such/program") {
		t.Fatalf("got %v", err)
	}
}

func TestAKilledParentTakesItsChildAlong(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "WEIR_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	gone, err := unix.PidfdOpen(child, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(gone)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	poll := []unix.PollFd{{Fd: int32(gone), Events: unix.POLLIN}}
	if _, err := unix.Poll(poll, 30_000); err != nil || poll[0].Revents == 0 {
		t.Fatalf("the child is still there (%v)", err)
	}
}

func TestTail(t *testing.T) {
	var next strings.Builder
	tail := &process.Tail{Next: &next}
	for i := range 3000 {
		fmt.Fprintf(tail, "line %d\n", i)
	}
	fmt.Fprintln(tail, "FATAL: out of luck")
	fmt.Fprintln(tail, "good bye")
	if got := tail.LastLine("FATAL"); got != "FATAL: out of luck" {
		t.Errorf("last line with FATAL is %q", got)
	}
	if got := tail.LastLine("no such word"); got != "good bye" {
		t.Errorf("last line is %q", got)
	}
	if n := len(tail.String()); n > 8<<10 {
		t.Errorf("%d bytes were kept", n)
	}
	if !strings.HasPrefix(next.String(), "line 0\n") {
		t.Error("the output was not passed on")
	}
}
