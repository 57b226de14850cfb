package filter

import "unsafe"

// The SDK's functions for metrics panic when the proxy refuses, and bring along
// fmt, which makes the module a seventh larger and slower to start. So metrics
// are the one part of the proxy that is called directly.

//go:wasmimport env proxy_define_metric
//go:noescape
func proxyDefineMetric(kind uint32, name unsafe.Pointer, size uint32, id unsafe.Pointer) uint32

//go:wasmimport env proxy_increment_metric
func proxyIncrementMetric(id uint32, by int64) uint32

//go:wasmimport env proxy_record_metric
func proxyRecordMetric(id uint32, value uint64) uint32

const (
	counterKind = 0
	gaugeKind   = 1
)

// metric is a counter or gauge of the proxy. One that the proxy refused is
// without effect.
type metric struct {
	id      uint32
	defined bool
}

func defineCounter(name string) metric { return defineMetric(counterKind, name) }
func defineGauge(name string) metric   { return defineMetric(gaugeKind, name) }

func defineMetric(kind uint32, name string) (m metric) {
	status := proxyDefineMetric(kind, unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&m.id))
	m.defined = status == 0
	return m
}

func (m metric) add(n int64) {
	if m.defined {
		proxyIncrementMetric(m.id, n)
	}
}

func (m metric) set(n uint64) {
	if m.defined {
		proxyRecordMetric(m.id, n)
	}
}
