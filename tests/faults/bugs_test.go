package faults

import (
	"context"
	"net/http"
)

// bug is a mistake that is planted into a world.
type bug struct {
	// edge stands between Envoy and the control plane's edge at a URL.
	edge func(edge string) http.Handler
	// commits is how the wires treat every commit.
	commits int32
	// spoil changes the world before the traffic.
	spoil func(context.Context, *world) error
}
