package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child that was started.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; to be read once done is closed
}

// Start starts cmd in a process group of its own, so that a terminal's Ctrl-C
// does not reach it, and has the kernel send it orphaned when this process dies.
func Start(cmd *exec.Cmd, orphaned syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = orphaned
	if cmd.WaitDelay == 0 {
		// Bounds the wait for a grandchild that keeps the output open.
		cmd.WaitDelay = 5 * time.Second
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the child
		// ends, and Go ends idle threads: this one must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ending says in a few words how the child ended, such as "exit status 1". It
// waits for the end.
func (p *Process) Ending() string {
	<-p.done
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// Succeeded waits for the end and says whether the exit status was zero.
func (p *Process) Succeeded() bool {
	<-p.done
	return p.err == nil
}

// Step is one attempt at ending a child: a signal, and how long to wait for its
// effect before the next.
type Step struct {
	Signal syscall.Signal
	Within time.Duration
}

// Stop takes one step after the other until the child has ended, and kills it
// after the last, or as soon as ctx ends. It returns how many steps were not
// enough; an ended child needs none.
func (p *Process) Stop(ctx context.Context, steps ...Step) (missed int, err error) {
	for _, step := range steps {
		if err := p.signal(step.Signal); err != nil {
			return missed, err
		}
		timer := time.NewTimer(step.Within)
		select {
		case <-p.done:
			timer.Stop()
			return missed, nil
		case <-timer.C:
			missed++
		case <-ctx.Done():
			timer.Stop()
			return missed, p.kill()
		}
	}
	return missed, p.kill()
}

func (p *Process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) signal(sig syscall.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	return nil
}
