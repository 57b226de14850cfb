package faults

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay passes connections on, each to where dial says.
type relay struct {
	listener net.Listener
	dial     func() (net.Conn, error)
	// pipe passes the bytes of a connection on until it is over.
	pipe func(client, server net.Conn)

	mu    sync.Mutex
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// open begins to accept connections on a free port.
func (r *relay) open() (err error) {
	if r.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return err
	}
	r.conns = map[net.Conn]bool{}
	r.all.Go(func() {
		for {
			client, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.all.Go(func() { r.serve(client) })
		}
	})
	return nil
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := r.dial()
	if err != nil {
		return
	}
	defer server.Close()
	r.note(client, server)
	defer r.forget(client, server)
	r.pipe(client, server)
}

func (r *relay) note(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.conns[c] = true
	}
}

func (r *relay) forget(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.conns, c)
	}
}

// close cuts everything.
func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.all.Wait()
}

// join copies both ways until one side has ended.
func join(client, server net.Conn) {
	var both sync.WaitGroup
	for _, way := range [2][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // its end is the connection's
			way[0].Close()
		})
	}
	both.Wait()
}

// How a tap may treat the next commit.
const (
	passCommit    int32 = iota
	loseAnswer          // it goes up, and the connection is cut before the answer comes down
	loseCommit          // the connection is cut before it goes up
	killAfter           // the server has answered, is killed, and nobody hears of it
	pretendCommit       // a planted bug: a rollback goes up, and the answer is made a commit's
)

// tap passes Postgres's protocol on, message by message, and can strike between
// a commit and its answer.
type tap struct {
	relay
	treat   atomic.Int32                    // the next commit
	always  atomic.Int32                    // all commits, for planted bugs
	reached [pretendCommit + 1]atomic.Int64 // commits by how they were treated
	killed  func()                          // kills the server
}

func newTap(server func() string, kill func()) *tap {
	w := &tap{killed: kill}
	w.dial = func() (net.Conn, error) { return net.Dial("tcp4", server()) }
	w.pipe = w.pass
	return w
}

// arm has the next commit treated so.
func (w *tap) arm(how int32) { w.treat.Store(how) }

func (w *tap) pass(client, server net.Conn) {
	var answering atomic.Int32 // how the commit that is under way is treated
	var both sync.WaitGroup
	both.Go(func() {
		defer server.Close()
		w.up(client, server, &answering)
	})
	both.Go(func() {
		defer client.Close()
		w.down(client, server, &answering)
	})
	both.Wait()
}

// up passes on what the client says.
func (w *tap) up(client, server net.Conn, answering *atomic.Int32) {
	from := bufio.NewReader(client)
	startup, err := readSized(from, nil) // the only message without a type
	if err != nil {
		return
	}
	if _, err := server.Write(startup); err != nil {
		return
	}
	commit := []byte("commit\x00")
	for {
		message, err := readMessage(from)
		if err != nil {
			return
		}
		if message[0] == 'Q' && bytes.Equal(message[5:], commit) {
			how := w.treat.Swap(passCommit)
			if how == passCommit {
				how = w.always.Load()
			}
			w.reached[how].Add(1)
			if how == loseCommit {
				return
			}
			if how == pretendCommit {
				message = frame('Q', "rollback\x00")
			}
			answering.Store(how)
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// down passes on what the server says.
func (w *tap) down(client, server net.Conn, answering *atomic.Int32) {
	from := bufio.NewReader(server)
	for {
		message, err := readMessage(from)
		if err != nil {
			return
		}
		if message[0] == 'C' {
			switch answering.Swap(passCommit) {
			case loseAnswer:
				return
			case killAfter:
				w.killed()
				return
			case pretendCommit:
				message = frame('C', "COMMIT\x00")
			}
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// maxMessage bounds a message of Postgres's protocol here.
const maxMessage = 64 << 20

// readMessage reads a message with its type and size.
func readMessage(from io.Reader) ([]byte, error) {
	kind := make([]byte, 1, 64)
	if _, err := io.ReadFull(from, kind); err != nil {
		return nil, err
	}
	return readSized(from, kind)
}

// readSized reads a size and what it counts, and appends both.
func readSized(from io.Reader, to []byte) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(size[:])) - len(size)
	if n < 0 || n > maxMessage {
		return nil, io.ErrUnexpectedEOF
	}
	to = append(to, size[:]...)
	begin := len(to)
	to = append(to, make([]byte, n)...)
	_, err := io.ReadFull(from, to[begin:])
	return to, err
}

func frame(kind byte, body string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...)
}
