package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

// part is a process that is started again whenever it ends, as a supervisor
// does, unless it is held down.
type part struct {
	name    string
	command func() *exec.Cmd
	log     *process.Tail

	mu      sync.Mutex
	child   *process.Process
	down    chan struct{} // closed when it may not be started
	stopped sync.WaitGroup
	endings int // that nobody asked for
}

// again is how long the supervisor waits between an end and the next start.
const again = 150 * time.Millisecond

// up starts the part, and goes on doing so.
func (p *part) up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return
	}
	down := make(chan struct{})
	p.down = down
	p.stopped.Go(func() { p.supervise(down) })
}

func (p *part) supervise(down <-chan struct{}) {
	for {
		if child, ok := p.start(down); ok {
			<-child.Done()
		}
		select {
		case <-down:
			return
		case <-time.After(again):
			p.mu.Lock()
			p.endings++
			p.mu.Unlock()
		}
	}
}

// start starts the child, unless the part was taken down meanwhile.
func (p *part) start(down <-chan struct{}) (*process.Process, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-down:
		return nil, false
	default:
	}
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		fmt.Fprintln(p.log, err)
		return nil, false
	}
	p.child = child
	return child, true
}

// kill ends the part with SIGKILL and holds it down.
func (p *part) kill() {
	p.mu.Lock()
	if p.down != nil {
		close(p.down)
		p.down = nil
	}
	if p.child != nil {
		_ = syscall.Kill(p.child.PID(), syscall.SIGKILL) // it may have ended
	}
	p.mu.Unlock()
	p.stopped.Wait()
}

// freeze and thaw stop the part, and let it go on, at whatever instruction it is.
func (p *part) freeze() { p.signal(syscall.SIGSTOP) }
func (p *part) thaw()   { p.signal(syscall.SIGCONT) }

func (p *part) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != nil {
		_ = syscall.Kill(p.child.PID(), s) // it may have ended
	}
}

// signalTree sends a signal to a process and to those that it started.
func signalTree(pid int, s syscall.Signal) {
	for _, child := range append([]int{pid}, childrenOf(pid)...) {
		_ = syscall.Kill(child, s) // it may have ended
	}
}

// killTree kills a process and those that it started, and leaves it no moment to
// start another.
func killTree(pid int) {
	_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
	signalTree(pid, syscall.SIGKILL)
}

// childrenOf returns the processes that a process started.
func childrenOf(pid int) (children []int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, fields, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(fields); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
