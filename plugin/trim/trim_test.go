package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"pgregory.net/rapid"
)

// builtModule is testdata/module as the Go compiler leaves it.
var builtModule = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "weir-trim")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "module.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", path, "./testdata/module")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func built(t *testing.T) []byte {
	t.Helper()
	b, err := builtModule()
	if err != nil {
		t.Fatalf("build testdata/module: %v", err)
	}
	return b
}

func trimmed(t *testing.T) []byte {
	t.Helper()
	b, err := trim(built(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// guest is a running module.
type guest struct {
	*testing.T
	api.Module
}

// machine has the trimmed module compiled, once for all tests.
var machine = sync.OnceValues(func() (instantiate func() (api.Module, error), err error) {
	code, err := builtModule()
	if err != nil {
		return nil, err
	}
	if code, err = trim(code); err != nil {
		return nil, err
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	compiled, err := r.CompileModule(ctx, code)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithStderr(os.Stderr)
	return func() (api.Module, error) { return r.InstantiateModule(ctx, compiled, config) }, err
})

func instantiate(t *testing.T) guest {
	t.Helper()
	start, err := machine()
	if err != nil {
		t.Fatal(err)
	}
	m, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return guest{t, m}
}

func (g guest) call(name string, arguments ...uint64) uint64 {
	g.Helper()
	results, err := g.ExportedFunction(name).Call(context.Background(), arguments...)
	if err != nil {
		g.Fatalf("%s%v: %v", name, arguments, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

func exportNames(t *testing.T, code []byte) (names []string) {
	t.Helper()
	m, err := parseModule(code)
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.exports()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.name)
	}
	return names
}

func TestTrimDropsWhatTheFilterDoesNotNeed(t *testing.T) {
	before, after := exportNames(t, built(t)), exportNames(t, trimmed(t))
	for _, gone := range []string{"proxy_on_request_body", "weir_refill", "weir_request_headers", "weir_stream", "weir_forget"} {
		if !slices.Contains(before, gone) || slices.Contains(after, gone) {
			t.Errorf("%s: exported before %v, after %v; want true, false",
				gone, slices.Contains(before, gone), slices.Contains(after, gone))
		}
	}
	for _, stays := range []string{"memory", "_initialize", "proxy_on_memory_allocate", "proxy_on_request_headers", "collect"} {
		if !slices.Contains(after, stays) {
			t.Errorf("%s is not exported any more", stays)
		}
	}
	g := instantiate(t)
	for name, want := range map[string]uint64{"proxy_on_request_headers": 17, "proxy_on_response_headers": 19} {
		if got := g.call(name, 1, 2, 3); got != want {
			t.Errorf("%s returns %d, want %d of the filter's own function", name, got, want)
		}
	}
}

func TestStreamsAreCreatedAndDeletedWithoutGo(t *testing.T) {
	g := instantiate(t)
	// Digits: plugins created, streams of other plugins, contexts looked for,
	// contexts deleted.
	for _, step := range []struct {
		what      string
		call      string
		arguments []uint64
		want      uint64
	}{
		{"a plugin is created", "proxy_on_context_create", []uint64{2, 0}, 1000},
		{"a stream of it", "proxy_on_context_create", []uint64{3, 2}, 1000},
		{"the stream is deleted", "proxy_on_delete", []uint64{3}, 1000},
		{"a newer plugin", "proxy_on_context_create", []uint64{6, 0}, 2000},
		{"a stream of the newer plugin", "proxy_on_context_create", []uint64{7, 6}, 2000},
		{"a stream of the older plugin", "proxy_on_context_create", []uint64{9, 2}, 2100},
		{"a stream older than the newest plugin is deleted", "proxy_on_delete", []uint64{5}, 2110},
		{"a stream newer than that is deleted", "proxy_on_delete", []uint64{9}, 2110},
		{"the older plugin is deleted", "proxy_on_delete", []uint64{2}, 2121},
		{"the newest plugin is deleted", "proxy_on_delete", []uint64{6}, 2132},
	} {
		g.call(step.call, step.arguments...)
		if got := g.call("calls"); got != step.want {
			t.Fatalf("%s: calls %04d, want %04d", step.what, got, step.want)
		}
	}
}

func TestTrimLeavesSectionsThatItNeedNotChange(t *testing.T) {
	before, err := parseModule(built(t))
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseModule(trimmed(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != len(after) {
		t.Fatalf("%d sections, want %d", len(after), len(before))
	}
	changes := []byte{sectionFunction, sectionExport, sectionCode}
	for i, s := range before {
		if same := bytes.Equal(s.content, after[i].content); s.id != after[i].id || same == slices.Contains(changes, s.id) {
			t.Errorf("section %d with id %d: same content %v", i, s.id, same)
		}
	}
}

func TestAllocationsAreDisjointAndLiveAsLongAsTheyAreHeld(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		g := instantiate(t)
		type value struct {
			at   uint32
			text []byte
		}
		var values []value
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(1, 300), rapid.Uint32Range(1, 70_000)), 1, 200).Draw(t2, "sizes")
		for i, size := range sizes {
			at := uint32(g.call("proxy_on_memory_allocate", uint64(size)))
			if at == 0 || at%8 != 0 {
				t2.Fatalf("%d bytes at %d, want a multiple of 8", size, at)
			}
			text := bytes.Repeat([]byte{byte(i)}, int(size))
			if !g.Memory().Write(at, text) {
				t2.Fatalf("%d bytes at %d are not in the memory", size, at)
			}
			g.call("hold", uint64(at))
			values = append(values, value{at, text})
			if i%50 == 0 {
				g.call("collect")
			}
		}
		g.call("collect")
		for i, v := range values {
			if got, _ := g.Memory().Read(v.at, uint32(len(v.text))); !bytes.Equal(got, v.text) {
				t2.Fatalf("value %d of %d bytes was overwritten", i, len(v.text))
			}
		}
		g.Close(context.Background())
	})
}

func TestAllocationsAreFreedWhenNothingHoldsThem(t *testing.T) {
	g := instantiate(t)
	g.call("proxy_on_memory_allocate", 100)
	before := g.Memory().Size()
	for range 1_000_000 { // 100 MB
		g.call("proxy_on_memory_allocate", 100)
	}
	if after := g.Memory().Size(); after > before+32<<20 {
		t.Errorf("the memory grew from %d to %d bytes", before, after)
	}
}

func TestAllocationsOfOneChunkDoNotCallGo(t *testing.T) {
	g := instantiate(t)
	first := g.call("proxy_on_memory_allocate", 8)
	for i := range uint64(100) {
		if at := g.call("proxy_on_memory_allocate", 13); at != first+8+16*i {
			t.Fatalf("allocation %d is at %d, want it behind the one before, at %d", i, at, first+8+16*i)
		}
	}
	if n := g.call("go_allocations"); n != 0 {
		t.Errorf("%d calls of the Go function, want none", n)
	}
}

func TestTrimRefusesWhatItDoesNotUnderstand(t *testing.T) {
	whole := built(t)
	for name, tc := range map[string]struct {
		module []byte
		want   string
	}{
		"nothing":          {nil, "not a WebAssembly module"},
		"a component":      {[]byte("\x00asm\x0d\x00\x01\x00"), "not a WebAssembly module"},
		"no sections":      {preamble, "no export section"},
		"cut short":        {whole[:len(whole)-1], "cut short"},
		"a trimmed module": {trimmed(t), "does not export"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := trim(tc.module); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestTrimRefusesDamageWithoutAPanic(t *testing.T) {
	whole := built(t)
	rapid.Check(t, func(t *rapid.T) {
		// The sections that are taken apart are at the beginning.
		damaged := bytes.Clone(whole[:rapid.IntRange(0, 20_000).Draw(t, "length")])
		for range rapid.IntRange(0, 8).Draw(t, "faults") {
			if len(damaged) > 0 {
				damaged[rapid.IntRange(0, len(damaged)-1).Draw(t, "where")] = rapid.Byte().Draw(t, "what")
			}
		}
		if _, err := trim(damaged); err == nil {
			t.Fatal("a module without its code was taken")
		}
	})
}

func TestNumbersAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, s := rapid.Uint32().Draw(t, "u"), rapid.Int32().Draw(t, "s")
		r := reader{rest: appendS32(appendU32(nil, u), s)}
		if gotU, gotS := r.u32(), r.s32(); gotU != u || gotS != s || r.err != nil || len(r.rest) != 0 {
			t.Fatalf("%d, %d, error %v, %d bytes left; want %d, %d", gotU, gotS, r.err, len(r.rest), u, s)
		}
	})
}

func TestNumbersThatAreTooLargeAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"33 bits": {0xff, 0xff, 0xff, 0xff, 0x1f},
		"6 bytes": {0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
		"no end":  {0x80},
	} {
		t.Run(name, func(t *testing.T) {
			if r := (reader{rest: b}); r.u32() != 0 || r.err == nil {
				t.Error("u32 took it")
			}
			if r := (reader{rest: b}); r.s32() != 0 || r.err == nil {
				t.Error("s32 took it")
			}
		})
	}
}
