//go:build !wasip1

package filter

import "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

// metric is a counter or gauge of the SDK's emulator.
type metric uint32

func defineCounter(name string) metric { return metric(proxywasm.DefineCounterMetric(name)) }
func defineGauge(name string) metric   { return metric(proxywasm.DefineGaugeMetric(name)) }

func (m metric) add(n int64) { proxywasm.MetricGauge(m).Add(n) }

// set goes by way of a histogram, whose values the SDK sets by the same call.
func (m metric) set(n uint64) { proxywasm.MetricHistogram(m).Record(n) }
