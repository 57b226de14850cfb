package controlplane_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
)

func TestValidateMeterNamesTheFields(t *testing.T) {
	long := strings.Repeat("n", 65)
	for name, tc := range map[string]struct {
		change func(*controlplane.Meter)
		fields []string
	}{
		"nothing":                {func(*controlplane.Meter) {}, nil},
		"everything":             {func(m *controlplane.Meter) { *m = controlplane.Meter{} }, []string{"name", "unit", "header"}},
		"a long name":            {func(m *controlplane.Meter) { m.Name = long }, []string{"name"}},
		"a long unit":            {func(m *controlplane.Meter) { m.Unit = long[:33] }, []string{"unit"}},
		"an upper-case header":   {func(m *controlplane.Meter) { m.Header = "X-Tokens" }, []string{"header"}},
		"a pseudo-header":        {func(m *controlplane.Meter) { m.Header = ":status" }, []string{"header"}},
		"a header of HTTP's own": {func(m *controlplane.Meter) { m.Header = "transfer-encoding" }, []string{"header"}},
		"a header of Weir's own": {func(m *controlplane.Meter) { m.Header = "x-weir-cost" }, []string{"header"}},
		"a header of 65 letters": {func(m *controlplane.Meter) { m.Header = long }, []string{"header"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := controlplane.Meter{Name: "Tokens", Unit: "tokens", Header: "x-tokens"}
			tc.change(&m)
			edit := controlplane.MeterEdit{Name: &m.Name, Unit: &m.Unit, Header: &m.Header}
			for _, err := range []error{controlplane.ValidateMeter(&m), edit.Validate()} {
				var got []string
				for _, f := range controlplane.Faults(err) {
					got = append(got, f.Field)
				}
				if diff := cmp.Diff(tc.fields, got); diff != "" {
					t.Errorf("fields at fault (-want +got):\n%s", diff)
				}
			}
		})
	}
}
