package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// load is what to send.
type load struct {
	address     string
	connections int
	keys        int // callers 0 to keys-1 take turns
	firstKey    int // whose turn it is at first

	requests int           // stop after so many; 0: see lasting
	lasting  time.Duration // stop sending after so long
	every    time.Duration // a request is due every so often; 0: whenever a connection is free
}

// outcome is what became of it.
type outcome struct {
	completed int
	refused   map[int]int // by status, all but 200
	took      time.Duration
	latencies *latencies
}

func (o outcome) perSecond() float64 { return float64(o.completed) / o.took.Seconds() }

// loop drives all connections from one thread.
type loop struct {
	load
	poll  int
	all   []*connection // by descriptor
	idle  []*connection
	began time.Time
	sent  int
	outcome
}

// run sends the load and waits for all answers.
func (l load) run() (outcome, error) {
	// A thread of its own: what wakes this loop up is the kernel only.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &loop{load: l, outcome: outcome{refused: map[int]int{}, latencies: newLatencies()}}
	err := r.open()
	if err == nil {
		r.began = time.Now()
		err = r.drive()
		r.took = time.Since(r.began)
	}
	if err = errors.Join(err, r.close()); err != nil {
		return outcome{}, fmt.Errorf("load %s: %w", l.address, err)
	}
	return r.outcome, nil
}

func (r *loop) open() (err error) {
	if r.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("create a poll: %w", err)
	}
	for range r.connections {
		c, err := dial(r.address)
		if err != nil {
			return err
		}
		for len(r.all) <= c.fd {
			r.all = append(r.all, nil)
		}
		r.all[c.fd] = c
		r.idle = append(r.idle, c)
		if err := unix.EpollCtl(r.poll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}); err != nil {
			return fmt.Errorf("poll a connection: %w", err)
		}
	}
	return nil
}

func (r *loop) close() (err error) {
	for _, c := range r.all {
		if c != nil {
			err = errors.Join(err, unix.Close(c.fd))
		}
	}
	return errors.Join(err, unix.Close(r.poll))
}

func (r *loop) drive() error {
	var events [64]unix.EpollEvent
	for {
		wait, err := r.sendDue()
		if err != nil {
			return err
		}
		if len(r.idle) == r.connections && r.over(time.Now()) {
			return nil
		}
		n, err := r.await(events[:], wait)
		if err != nil {
			return err
		}
		for _, e := range events[:n] {
			if err := r.take(r.all[e.Fd]); err != nil {
				return err
			}
		}
	}
}

// over says whether nothing is to be sent any more.
func (r *loop) over(now time.Time) bool {
	if r.requests > 0 {
		return r.sent >= r.requests
	}
	return r.dueAt(now).Sub(r.began) >= r.lasting
}

// dueAt is when the next request is due: in a closed loop, now.
func (r *loop) dueAt(now time.Time) time.Time {
	if r.every == 0 {
		return now
	}
	return r.began.Add(time.Duration(r.sent) * r.every)
}

// sendDue sends what is due as far as there are connections. It returns how long
// there is nothing to do but receive.
func (r *loop) sendDue() (time.Duration, error) {
	const stuck = 30 * time.Second
	for len(r.idle) > 0 {
		now := time.Now()
		due := r.dueAt(now)
		if r.over(now) {
			break
		}
		if wait := due.Sub(now); wait > 0 {
			return wait, nil
		}
		last := len(r.idle) - 1
		c := r.idle[last]
		r.idle = r.idle[:last]
		if err := c.send((r.firstKey+r.sent)%r.keys, due); err != nil {
			return 0, err
		}
		r.sent++
	}
	return stuck, nil
}

// await waits for answers. epoll_wait knows milliseconds only, epoll_pwait2
// (Linux 5.11) nanoseconds.
func (r *loop) await(events []unix.EpollEvent, wait time.Duration) (int, error) {
	const epollPwait2 = 441
	timeout := unix.NsecToTimespec(int64(wait))
	n, _, errno := unix.Syscall6(epollPwait2, uintptr(r.poll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(&timeout)), 0, 0)
	switch {
	case errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		return 0, fmt.Errorf("wait for answers: %w", errno)
	case n == 0 && r.every == 0:
		return 0, errors.New("no answer for 30 s")
	}
	return int(n), nil
}

func (r *loop) take(c *connection) error {
	status, whole, err := c.receive()
	if err != nil || !whole {
		return err
	}
	r.latencies.add(time.Since(c.due))
	r.completed++
	if status != 200 {
		r.refused[status]++
	}
	r.idle = append(r.idle, c)
	return nil
}
