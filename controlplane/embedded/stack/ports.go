package stack

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// place is an address that some part is going to listen on.
type place struct {
	addr, part, variable string
}

// checkPlaces makes sure that everything can listen where it is to, before
// anything starts. The error names the first place that is taken.
func checkPlaces(places []place) error {
	for _, p := range places {
		listener, err := net.Listen("tcp", p.addr)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("%s is taken, and %s needs it; stop what listens there, or set %s to another address", p.addr, p.part, p.variable)
		case err != nil:
			return fmt.Errorf("%s can't be listened on for %s (%w); set %s to a host and port of this machine", p.addr, p.part, err, p.variable)
		}
		// Kept until all are checked, so that two parts can't share one.
		defer listener.Close()
	}
	return nil
}
