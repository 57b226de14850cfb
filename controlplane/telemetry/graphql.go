package telemetry

import (
	"time"
)

// Operation measures a GraphQL operation, which took from began until now.
func (t *Telemetry) Operation(kind string, failed bool, began time.Time) {
	outcome := "ok"
	if failed {
		outcome = "error"
	}
	t.metrics.operations.WithLabelValues(kind, outcome).Observe(time.Since(began).Seconds())
}
