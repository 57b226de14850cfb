//go:build !wasip1

package filter

import "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

// metric is a counter or gauge of the SDK's emulator. The zero value is without
// effect.
type metric struct {
	id      uint32
	defined bool
}

func defineCounter(name string) metric {
	return metric{uint32(proxywasm.DefineCounterMetric(name)), true}
}

func defineGauge(name string) metric { return metric{uint32(proxywasm.DefineGaugeMetric(name)), true} }

func (m metric) add(n int64) {
	if m.defined {
		proxywasm.MetricGauge(m.id).Add(n)
	}
}

// set goes by way of a histogram, whose values the SDK sets by the same call.
func (m metric) set(n uint64) {
	if m.defined {
		proxywasm.MetricHistogram(m.id).Record(n)
	}
}
