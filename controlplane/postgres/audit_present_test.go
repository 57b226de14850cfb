package postgres_test

import (
	"slices"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/openapi"
	"github.com/weirhq/weir/controlplane/postgres"
)

// newest returns the newest record of an action.
func newest(t *testing.T, db *postgres.DB, action audit.Action) audit.Record {
	t.Helper()
	page, err := db.AuditLog(t.Context(), audit.Filter{Actions: []audit.Action{action}}, 0, 1)
	if err != nil || len(page.Records) == 0 {
		t.Fatal(page, err)
	}
	return page.Records[0]
}

// wantSince checks what differs since a record, and that it is said by which one.
func wantSince(t *testing.T, db *postgres.DB, record audit.Record, by audit.Action, want ...string) {
	t.Helper()
	now, err := db.Present(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	last := newest(t, db, by).Seq
	if last == record.Seq {
		last = 0
	}
	paths, err := record.ChangedSince(now.State)
	if err != nil || !slices.Equal(paths, want) || now.Last != last {
		t.Errorf("%v has changed, last by %d, %v; want %v by %d", paths, now.Last, err, want, last)
	}
}

// Records of other objects change this one, too: its own don't tell.
func TestWhatAnObjectIsLikeSinceARecord(t *testing.T) {
	db := open(t)
	t.Run("a publication changes a tier", func(t *testing.T) {
		tier := newTier(t, db, "Basic", perMinute(5))
		newAccount(t, db, "Birch", tier.ID)
		tier, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Limits: amounts(tier, 50)})
		if err != nil {
			t.Fatal(err)
		}
		update := newest(t, db, audit.UpdateTier)
		wantSince(t, db, update, audit.UpdateTier)
		publish(t, db, controlplane.Publication{TierID: tier.ID, Limits: amounts(tier, 900), Move: controlplane.Migration{When: controlplane.MoveNone}})
		wantSince(t, db, update, audit.PublishTier, "limits.per-minute.amount", "limits.per-minute.burst", "versionId")
	})
	t.Run("an import and the end of its group change an endpoint", func(t *testing.T) {
		group, _, err := db.CreateEndpointGroup(t.Context(), "reads")
		if err != nil {
			t.Fatal(err)
		}
		endpoint, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users", Cost: 3, GroupID: group.ID})
		if err != nil {
			t.Fatal(err)
		}
		cost := 10
		if _, _, err := db.UpdateEndpoint(t.Context(), controlplane.EndpointEdit{ID: endpoint.ID, Cost: &cost}); err != nil {
			t.Fatal(err)
		}
		update := newest(t, db, audit.UpdateEndpoint)
		document, err := openapi.Read([]byte(`{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/v1/users":{"get":{"x-weir-cost":77,"responses":{}}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.ImportEndpoints(t.Context(), postgres.EndpointImport{Document: document}); err != nil {
			t.Fatal(err)
		}
		wantSince(t, db, update, audit.ImportEndpoints, "cost")
		if _, err := db.DeleteEndpointGroup(t.Context(), group.ID); err != nil {
			t.Fatal(err)
		}
		wantSince(t, db, update, audit.DeleteEndpointGroup, "cost", "groupId")
	})
	t.Run("what changes in between is not overwritten", func(t *testing.T) {
		group, _, err := db.CreateEndpointGroup(t.Context(), "writes")
		if err != nil {
			t.Fatal(err)
		}
		now, err := db.Present(t.Context(), newest(t, db, audit.CreateEndpointGroup))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "POST", Template: "/v1/users", Cost: 1, GroupID: group.ID}); err != nil {
			t.Fatal(err)
		}
		_, err = db.DeleteEndpointGroup(postgres.IfUnchanged(t.Context(), now), group.ID)
		wantFault(t, err, controlplane.CodeConflict, "seq")
	})
}
