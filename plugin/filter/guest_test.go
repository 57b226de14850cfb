package filter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// guest runs the compiled module in the emulator. The SDK has a VM context for
// that too, but its module can't be given a clock or an environment, so what
// takes time could not be tested on it.
type guest struct {
	types.DefaultVMContext
	module api.Module
}

// machine runs guests. The module is built and compiled once for all tests.
var machine = sync.OnceValues(func() (*wasmMachine, error) {
	dir, err := os.MkdirTemp("", "weir-filter")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	untrimmed, path := filepath.Join(dir, "untrimmed.wasm"), filepath.Join(dir, "weir.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", untrimmed, "github.com/weirhq/weir/plugin")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New("build the module: " + err.Error() + "\n" + string(out))
	}
	if out, err := exec.Command("go", "run", "github.com/weirhq/weir/plugin/trim", untrimmed, path).CombinedOutput(); err != nil {
		return nil, errors.New("trim the module: " + err.Error() + "\n" + string(out))
	}
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	if _, err := hostFunctions(r).Instantiate(ctx); err != nil {
		return nil, err
	}
	compiled, err := r.CompileModule(ctx, code)
	return &wasmMachine{r, compiled}, err
})

type wasmMachine struct {
	wazero.Runtime
	compiled wazero.CompiledModule
}

func newGuest(t *testing.T, s *testSystem) *guest {
	t.Helper()
	w, err := machine()
	if err != nil {
		t.Fatal(err)
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithStderr(os.Stderr).
		WithNanotime(s.MonotonicNS, 1).
		WithWalltime(func() (int64, int32) { ns := s.WallNS(); return ns / 1e9, int32(ns % 1e9) }, 1).
		WithRandSource(s.random)
	for name, value := range s.env {
		config = config.WithEnv(name, value)
	}
	m, err := w.InstantiateModule(context.Background(), w.compiled, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return &guest{module: m}
}

func (g *guest) call(export string, args ...uint64) uint64 {
	return callGuest(g.module, export, args...)
}

func callGuest(m api.Module, export string, args ...uint64) uint64 {
	result, err := m.ExportedFunction(export).Call(context.Background(), args...)
	if err != nil {
		panic(err) // the module trapped
	}
	if len(result) == 0 {
		return 0
	}
	return result[0]
}

func (g *guest) OnVMStart(size int) types.OnVMStartStatus {
	return g.call("proxy_on_vm_start", 0, uint64(size)) == 1
}

func (g *guest) NewPluginContext(id uint32) types.PluginContext {
	g.call("proxy_on_context_create", uint64(id), 0)
	return &guestPlugin{guest: g, id: uint64(id)}
}

type guestPlugin struct {
	types.DefaultPluginContext
	*guest
	id uint64
}

func (p *guestPlugin) OnPluginStart(size int) types.OnPluginStartStatus {
	return p.call("proxy_on_configure", p.id, uint64(size)) == 1
}
func (p *guestPlugin) OnPluginDone() bool { return p.call("proxy_on_done", p.id) == 1 }
func (p *guestPlugin) OnTick()            { p.call("proxy_on_tick", p.id) }

func (p *guestPlugin) NewHttpContext(id uint32) types.HttpContext {
	p.call("proxy_on_context_create", uint64(id), p.id)
	return &guestStream{guest: p.guest, id: uint64(id)}
}

type guestStream struct {
	types.DefaultHttpContext
	*guest
	id uint64
}

func (s *guestStream) OnHttpRequestHeaders(n int, end bool) types.Action {
	return types.Action(s.call("proxy_on_request_headers", s.id, uint64(n), flag(end)))
}
func (s *guestStream) OnHttpResponseHeaders(n int, end bool) types.Action {
	return types.Action(s.call("proxy_on_response_headers", s.id, uint64(n), flag(end)))
}
func (s *guestStream) OnHttpStreamDone() { s.call("proxy_on_log", s.id) }

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// hostFunctions are the proxy's functions that the module imports, on the
// emulator that the SDK's own functions go to in a native build.
func hostFunctions(r wazero.Runtime) wazero.HostModuleBuilder {
	b := r.NewHostModuleBuilder("env")
	for name, f := range map[string]any{
		"proxy_log": func(_ context.Context, m api.Module, level, p, n uint32) uint32 {
			switch text := read(m, p, n); {
			case level >= 5:
				proxywasm.LogCritical(text)
			case level == 4:
				proxywasm.LogError(text)
			default:
				proxywasm.LogWarn(text)
			}
			return 0
		},
		"proxy_send_local_response": func(_ context.Context, m api.Module, status, _, _, body, bodySize, headers, headersSize, grpc uint32) uint32 {
			return code(proxywasm.SendHttpResponse(status, pairs(read(m, headers, headersSize)), []byte(read(m, body, bodySize)), int32(grpc)))
		},
		"proxy_get_shared_data": func(_ context.Context, m api.Module, key, keySize, p, n, cas uint32) uint32 {
			value, number, err := proxywasm.GetSharedData(read(m, key, keySize))
			m.Memory().WriteUint32Le(cas, number)
			return give(m, value, p, n, err)
		},
		"proxy_set_shared_data": func(_ context.Context, m api.Module, key, keySize, value, valueSize, cas uint32) uint32 {
			return code(proxywasm.SetSharedData(read(m, key, keySize), []byte(read(m, value, valueSize)), cas))
		},
		"proxy_get_header_map_value": func(_ context.Context, m api.Module, kind, key, keySize, p, n uint32) uint32 {
			get := proxywasm.GetHttpRequestHeader
			if kind == 2 {
				get = proxywasm.GetHttpResponseHeader
			}
			value, err := get(read(m, key, keySize))
			return give(m, []byte(value), p, n, err)
		},
		"proxy_add_header_map_value": func(_ context.Context, m api.Module, kind, key, keySize, value, valueSize uint32) uint32 {
			add := proxywasm.AddHttpRequestHeader
			if kind == 2 {
				add = proxywasm.AddHttpResponseHeader
			}
			return code(add(read(m, key, keySize), read(m, value, valueSize)))
		},
		"proxy_replace_header_map_value": func(_ context.Context, m api.Module, kind, key, keySize, value, valueSize uint32) uint32 {
			set := proxywasm.ReplaceHttpRequestHeader
			if kind == 2 {
				set = proxywasm.ReplaceHttpResponseHeader
			}
			return code(set(read(m, key, keySize), read(m, value, valueSize)))
		},
		"proxy_remove_header_map_value": func(_ context.Context, m api.Module, kind, key, keySize uint32) uint32 {
			remove := proxywasm.RemoveHttpRequestHeader
			if kind == 2 {
				remove = proxywasm.RemoveHttpResponseHeader
			}
			return code(remove(read(m, key, keySize)))
		},
		"proxy_get_header_map_pairs": func(_ context.Context, m api.Module, kind, p, n uint32) uint32 {
			get := proxywasm.GetHttpCallResponseHeaders
			switch kind {
			case 0:
				get = proxywasm.GetHttpRequestHeaders
			case 2:
				get = proxywasm.GetHttpResponseHeaders
			}
			headers, err := get()
			return give(m, packed(headers), p, n, err)
		},
		"proxy_get_buffer_bytes": func(_ context.Context, m api.Module, kind, from, size, p, n uint32) uint32 {
			if kind == 4 {
				value, err := proxywasm.GetHttpCallResponseBody(int(from), int(size))
				return give(m, value, p, n, err)
			}
			value, err := proxywasm.GetPluginConfiguration()
			return give(m, value, p, n, err)
		},
		"proxy_http_call": func(_ context.Context, m api.Module, cluster, clusterSize, headers, headersSize, body, bodySize, _, _, timeout, id uint32) uint32 {
			var number uint32
			number, err := proxywasm.DispatchHttpCall(read(m, cluster, clusterSize), pairs(read(m, headers, headersSize)),
				[]byte(read(m, body, bodySize)), nil, timeout, func(headers, size, trailers int) {
					callGuest(m, "proxy_on_http_call_response", 1, uint64(number), uint64(headers), uint64(size), uint64(trailers))
				})
			m.Memory().WriteUint32Le(id, number)
			return code(err)
		},
		"proxy_set_tick_period_milliseconds": func(ms uint32) uint32 { return code(proxywasm.SetTickPeriodMilliSeconds(ms)) },
		"proxy_continue_stream":              func(uint32) uint32 { return code(proxywasm.ResumeHttpRequest()) },
		"proxy_set_effective_context":        func(id uint32) uint32 { return code(proxywasm.SetEffectiveContext(id)) },
		"proxy_get_property": func(_ context.Context, m api.Module, path, size, p, n uint32) uint32 {
			value, err := proxywasm.GetProperty(split(read(m, path, size)))
			return give(m, value, p, n, err)
		},
		"proxy_define_metric": func(_ context.Context, m api.Module, kind, name, size, id uint32) uint32 {
			define := func(s string) uint32 { return uint32(proxywasm.DefineCounterMetric(s)) }
			if kind == 1 {
				define = func(s string) uint32 { return uint32(proxywasm.DefineGaugeMetric(s)) }
			}
			m.Memory().WriteUint32Le(id, define(read(m, name, size)))
			return 0
		},
		"proxy_increment_metric": func(id uint32, by int64) uint32 { proxywasm.MetricGauge(id).Add(by); return 0 },
		"proxy_record_metric":    func(id uint32, v uint64) uint32 { proxywasm.MetricHistogram(id).Record(v); return 0 },
	} {
		b = b.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	return b
}

func read(m api.Module, p, n uint32) string {
	b, ok := m.Memory().Read(p, n)
	if !ok {
		panic("the module passed memory that it doesn't have")
	}
	return string(b)
}

// give hands a value to the module in memory that it allocates, as proxies do.
func give(m api.Module, value []byte, p, n uint32, err error) uint32 {
	if err == nil && len(value) > 0 {
		at := uint32(callGuest(m, "proxy_on_memory_allocate", uint64(len(value))))
		m.Memory().Write(at, value)
		m.Memory().WriteUint32Le(p, at)
		m.Memory().WriteUint32Le(n, uint32(len(value)))
	}
	return code(err)
}

// code is the status that an error of the SDK stands for.
func code(err error) uint32 {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, types.ErrorStatusNotFound):
		return 1
	case errors.Is(err, types.ErrorStatusCasMismatch):
		return 8
	}
	return 2
}

// pairs and packed are the serialisation of header maps: their number, the
// lengths of each name and value, and then these, each with a zero after it.
func pairs(s string) (headers [][2]string) {
	if len(s) < 4 {
		return nil
	}
	n := int(binary.LittleEndian.Uint32([]byte(s)))
	at := 4 + 8*n
	for i := range n {
		var h [2]string
		for k := range h {
			size := int(binary.LittleEndian.Uint32([]byte(s[4+8*i+4*k:])))
			h[k] = s[at : at+size]
			at += size + 1
		}
		headers = append(headers, h)
	}
	return headers
}

func packed(headers [][2]string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(headers)))
	for _, h := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h[0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h[1])))
	}
	for _, h := range headers {
		b = append(append(append(append(b, h[0]...), 0), h[1]...), 0)
	}
	return b
}

func split(path string) (parts []string) {
	from := 0
	for i := range len(path) {
		if path[i] == 0 {
			parts, from = append(parts, path[from:i]), i+1
		}
	}
	return append(parts, path[from:])
}
