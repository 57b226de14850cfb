package filter

import (
	"errors"
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// Register makes the filter the plugin of this VM. It belongs in an init
// function: the VM is started without main being called.
func Register() { proxywasm.SetVMContext(NewVM(NewSystem())) }

// NewVM returns the filter as a VM on this system.
func NewVM(s System) types.VMContext { return &vm{system: s} }

type vm struct {
	types.DefaultVMContext
	system System
}

// NewPluginContext implements types.VMContext.
func (v *vm) NewPluginContext(id uint32) types.PluginContext {
	p := &plugin{id: id, system: v.system, host: newProxy()}
	enter(id, p)
	return p
}

// plugin is one configuration of the filter in one VM. A VM has one thread, so
// nothing here is locked, and buffers are used again from request to request.
type plugin struct {
	types.DefaultPluginContext
	id      uint32 // of its context
	system  System
	host    proxy
	config  config
	paths   paths
	source  wire.SourceID
	process [16]byte // of the Envoy process, see joinProcess
	bearer  string   // "Bearer " and the node token
	clock   clock

	policy  policy
	keys    keyCache
	fetcher fetcher
	poll    poll
	leasing leasing
	holding holding
	health  health
	meter   *meter.Meter
	lists   declarations
	strays  strays
	stats   stats

	served  bool // this VM has seen a request
	scratch scratch
}

// scratch is memory that is used again.
type scratch struct {
	fields   fields
	question question
	key      []byte // of a value in shared data
	name     []byte // a verified name with what kind it is
	state    []byte // settled or granted
	table    []byte // a set of slots
	text     []byte
	account  []byte
	keyID    []byte
	holdings []limit.Holding
	leases   []limit.Lease
}

// OnPluginStart implements types.PluginContext. It refuses a configuration that
// it can't work with; Envoy then refuses the listener.
func (p *plugin) OnPluginStart(size int) types.OnPluginStartStatus {
	p.calledBySDK()
	if err := p.start(size); err != nil {
		proxywasm.LogCritical("weir: " + err.Error())
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

func (p *plugin) start(size int) error {
	var text []byte
	if size > 0 {
		read, err := proxywasm.GetPluginConfiguration()
		if err != nil {
			return err
		}
		text = read
	}
	c, err := parseConfig(text)
	if err != nil {
		return err
	}
	token, err := parseToken(p.system.Getenv(tokenVariable))
	if err != nil {
		return err
	}
	if err := checkShared(p.host); err != nil {
		return err
	}
	p.config, p.paths, p.bearer = c, newPaths(&c), "Bearer "+token
	p.system.Random(p.source[:])
	if err := p.joinProcess(); err != nil {
		return err
	}
	p.clock.set(p.system)
	p.keys, p.leasing, p.health = newKeyCache(), newLeasing(), newHealth()
	p.meter = meter.New(meter.Config{
		Source:       p.source,
		Node:         c.node,
		FlushEveryNS: c.flushMS * millisecond,
		StartNS:      p.system.MonotonicNS(),
		BeganMS:      p.system.WallNS() / millisecond,
	})
	p.stats = defineStats()
	p.loadPolicy()
	p.lookAtLeases()
	return proxywasm.SetTickPeriodMilliSeconds(uint32(c.tickMS))
}

var processKey = []byte("weir/process")

// joinProcess finds out the random name of this Envoy process, which outlives its
// VMs, or gives it one.
func (p *plugin) joinProcess() error {
	for range maxSwaps {
		value, cas, found := p.host.getShared(processKey)
		if found && len(value) == len(p.process) {
			copy(p.process[:], value)
			return nil
		}
		var name [16]byte
		p.system.Random(name[:])
		p.host.setShared(processKey, name[:], cas)
	}
	return errors.New("shared data: the proxy doesn't keep the name of the process")
}

// Durations in nanoseconds.
const (
	millisecond = 1_000_000
	second      = 1_000_000_000
)

// OnTick implements types.PluginContext.
func (p *plugin) OnTick() {
	defer p.guard("tick")
	p.calledBySDK()
	if p.meter == nil {
		return // the configuration was refused
	}
	now := p.system.MonotonicNS()
	p.clock.set(p.system)
	p.loadPolicy()
	if p.isFetcher(now) {
		p.pollPolicy(now)
		p.showAges(now)
	}
	p.lookAtLeases()
	p.releaseHeld(now)
	p.reportLeases(now)
	p.health.turn(p, now)
	p.report(now)
	p.stats.publish(p.meter)
	p.stats.showHeld(len(p.holding.streams))
}

func (p *plugin) showAges(nowNS int64) {
	policy, leases := int64(0), int64(0)
	if p.policy.confirmedNS != 0 {
		policy = nowNS - p.policy.confirmedNS
	}
	if p.leasing.renewedNS != 0 {
		leases = nowNS - p.leasing.renewedNS
	}
	p.stats.setAges(policy, leases)
}

// NewHttpContext implements types.PluginContext.
func (p *plugin) NewHttpContext(id uint32) types.HttpContext {
	p.served = true
	return &request{plugin: p, id: id}
}

// guard keeps a bug in what was deferred before from ending the VM, which would
// cost the usage that it hasn't sent and a second of 503s. It can't be relied
// on: it doesn't stand around the SDK's own code, and running out of memory or
// stack goes past it. So everything below checks its bounds as if it weren't here.
func (p *plugin) guard(where string) {
	if fault := recover(); fault != nil {
		p.fault(where, fault)
	}
}

func (p *plugin) fault(where string, fault any) {
	p.stats.panics++
	text := "unknown"
	switch f := fault.(type) {
	case error:
		text = f.Error()
	case string:
		text = f
	}
	proxywasm.LogCritical("weir: recovered in " + where + ": " + text)
}

func (p *plugin) warn(what string, err error) {
	proxywasm.LogWarn("weir: " + what + ": " + err.Error())
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func appendDecimal(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }
