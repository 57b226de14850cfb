package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// connection is one keep-alive connection with at most one request under way.
type connection struct {
	fd      int
	request []byte // the key's digits are written over
	key     []byte // where
	answer  []byte // what has arrived
	due     time.Time
}

const keyDigits = 8

// secret is the API key of caller i.
func secret(i int) string { return fmt.Sprintf("bench-key-%0*d", keyDigits, i) }

func dial(address string) (*connection, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	peer := &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}
	if err := errors.Join(
		unix.Connect(fd, peer),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true),
	); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %s: %w", address, err), unix.Close(fd))
	}
	request := []byte("GET /v1/items HTTP/1.1\r\nhost: bench.example\r\nuser-agent: bench\r\naccept: */*\r\nx-api-key: " + secret(0) + "\r\n\r\n")
	end := len(request) - len("\r\n\r\n")
	return &connection{fd: fd, request: request, key: request[end-keyDigits : end], answer: make([]byte, 0, 4096)}, nil
}

// send sends a request of caller i.
func (c *connection) send(i int, due time.Time) error {
	for d := len(c.key) - 1; d >= 0; d-- {
		c.key[d] = byte('0' + i%10)
		i /= 10
	}
	c.due, c.answer = due, c.answer[:0]
	n, err := unix.Write(c.fd, c.request)
	if err == nil && n < len(c.request) {
		err = errors.New("the socket is full")
	}
	if err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	return nil
}

// receive takes what has arrived. It reports the status once the answer is whole.
func (c *connection) receive() (status int, whole bool, err error) {
	free := c.answer[len(c.answer):cap(c.answer)]
	n, err := unix.Read(c.fd, free)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("receive an answer: %w", err)
	case n == 0:
		return 0, false, errors.New("receive an answer: the connection was closed or the answer is too long")
	}
	c.answer = c.answer[:len(c.answer)+n]
	return parseAnswer(c.answer)
}

// parseAnswer reports the status of an answer once all of it is there.
func parseAnswer(b []byte) (status int, whole bool, err error) {
	head, body, found := bytes.Cut(b, []byte("\r\n\r\n"))
	if !found {
		return 0, false, nil
	}
	const prefix = "HTTP/1.1 200"
	if len(head) < len(prefix) {
		return 0, false, fmt.Errorf("not an answer: %q", head)
	}
	status, err = strconv.Atoi(string(head[len(prefix)-3 : len(prefix)]))
	if err != nil {
		return 0, false, fmt.Errorf("not an answer: %q", head)
	}
	_, rest, found := bytes.Cut(head, []byte("\r\ncontent-length: "))
	if !found {
		return 0, false, fmt.Errorf("an answer without content-length: %q", head)
	}
	text, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(text))
	if err != nil {
		return 0, false, fmt.Errorf("content-length %q is not a number", text)
	}
	return status, len(body) >= length, nil
}
