package filter_test

import (
	"strings"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func TestStartIsRefused(t *testing.T) {
	refused := func(e *emulator, why string) {
		e.Helper()
		if e.StartPlugin() != types.OnPluginStartStatusFailed {
			e.Error("the plugin started")
		}
		if log := strings.Join(e.GetCriticalLogs(), "\n"); !strings.Contains(log, why) {
			e.Errorf("the log %q doesn't name %s", log, why)
		}
		e.Tick() // and nothing happens
		if n := len(e.calls()); n != 0 {
			e.Errorf("%d calls to the edge, want none", n)
		}
	}
	t.Run("for a configuration with a mistake", func(t *testing.T) {
		onEmulator(t, `{"node":"n","flush_ms":1}`, func(e *emulator) { refused(e, `"flush_ms"`) })
	})
	t.Run("for a missing configuration", func(t *testing.T) {
		onEmulator(t, ``, func(e *emulator) { refused(e, "configuration") })
	})
	t.Run("for a missing node token", func(t *testing.T) {
		onEmulatorWith(t, plainConfiguration, func(s *testSystem) { delete(s.env, "WEIR_NODE_TOKEN") },
			func(e *emulator) { refused(e, "WEIR_NODE_TOKEN") })
	})
}
