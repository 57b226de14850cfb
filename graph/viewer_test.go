package graph

import (
	"testing"

	"github.com/weirhq/weir/controlplane/permit"
)

func TestWhoIsToldOfDevelopment(t *testing.T) {
	for name, tc := range map[string]struct {
		development bool
		grant       permit.Grant
		want        bool
	}{
		"whoever sees all, of a weir dev":       {true, permit.Grant{}, true},
		"who sees one account only, of nothing": {true, permit.Grant{Account: 1}, false},
		"nobody, of what is no weir dev":        {false, permit.Grant{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &viewerResolver{&Resolver{Development: tc.development}}
			got, err := r.Development(permit.With(t.Context(), tc.grant), nil)
			if err != nil || got != tc.want {
				t.Errorf("%v, %v; want %v", got, err, tc.want)
			}
		})
	}
}
