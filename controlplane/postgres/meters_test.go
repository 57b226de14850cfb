package postgres_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

func TestMeters(t *testing.T) {
	db := open(t)
	endpoint, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/rows", Cost: 1})
	if err != nil {
		t.Fatal(err)
	}
	create := func(m controlplane.Meter) (controlplane.Meter, error) {
		created, _, err := db.CreateMeter(t.Context(), m)
		return created, err
	}
	tokens, err := create(controlplane.Meter{Name: "Tokens", Unit: "tokens", Header: "x-tokens"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := create(controlplane.Meter{Name: "Rows", Unit: "rows", Header: "x-rows", EndpointID: endpoint.ID, Hidden: true})
	if err != nil {
		t.Fatal(err)
	}
	policy := func() []book.Meter {
		p, err := db.Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := book.Compile(p, nil); err != nil {
			t.Fatal(err)
		}
		return p.Meters
	}

	t.Run("the policy has them", func(t *testing.T) {
		want := []book.Meter{
			{ID: uint64(tokens.ID), Header: "x-tokens"},
			{ID: uint64(rows.ID), Header: "x-rows", Endpoint: uint64(endpoint.ID), Hidden: true},
		}
		if diff := cmp.Diff(want, policy()); diff != "" {
			t.Errorf("meters (-want +got):\n%s", diff)
		}
	})
	t.Run("are listed by name", func(t *testing.T) {
		got, err := db.Meters(t.Context())
		if diff := cmp.Diff([]controlplane.Meter{rows, tokens}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("an edit changes what it names, in a new version", func(t *testing.T) {
		before := policyVersion(t, db)
		unit, none := "result rows", controlplane.ID(0)
		edited, version, err := db.UpdateMeter(t.Context(), controlplane.MeterEdit{ID: rows.ID, Unit: &unit, EndpointID: &none})
		want := rows
		want.Unit, want.EndpointID, want.Revision = unit, 0, rows.Revision+1
		if diff := cmp.Diff(want, edited); diff != "" || err != nil || version <= before {
			t.Errorf("version %d after %d, %v (-want +got):\n%s", version, before, err, diff)
		}
		if _, _, err = db.UpdateMeter(t.Context(), controlplane.MeterEdit{ID: rows.ID, EndpointID: &endpoint.ID}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("mistakes name the field", func(t *testing.T) {
		_, err := create(controlplane.Meter{Name: "Tokens", Unit: "t", Header: "x-t"})
		wantFault(t, err, controlplane.CodeValidation, "name")
		_, err = create(controlplane.Meter{Name: "T", Unit: "t", Header: "x-t", EndpointID: 99})
		wantFault(t, err, controlplane.CodeNotFound, "endpointId")
		_, _, err = db.UpdateMeter(t.Context(), controlplane.MeterEdit{ID: 99})
		wantFault(t, err, controlplane.CodeNotFound, "id")
		_, err = db.DeleteMeter(t.Context(), 99, nil)
		wantFault(t, err, controlplane.CodeNotFound, "id")
	})
	t.Run("an endpoint takes its meters with it", func(t *testing.T) {
		if _, err := db.DeleteEndpoint(t.Context(), endpoint.ID, nil); err != nil {
			t.Fatal(err)
		}
		if got := policy(); len(got) != 1 || got[0].ID != uint64(tokens.ID) {
			t.Errorf("meters %+v, want tokens alone", got)
		}
	})
	t.Run("no more than the filter takes", func(t *testing.T) {
		for i := 1; i < book.MaxMeters; i++ {
			if _, err := create(controlplane.Meter{Name: fmt.Sprint("meter ", i), Unit: "u", Header: "x-u"}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := create(controlplane.Meter{Name: "one more", Unit: "u", Header: "x-u"})
		wantFault(t, err, controlplane.CodeConflict, "name")
		if _, err := db.DeleteMeter(t.Context(), tokens.ID, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := create(controlplane.Meter{Name: "one more", Unit: "u", Header: "x-u"}); err != nil {
			t.Error(err)
		}
	})
}
