package openapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openapi"
)

func TestChangesOfAnImportAreChosenByName(t *testing.T) {
	d := read(t, "petstore.yaml")
	c, err := d.Compare([]openapi.Existing{
		{Endpoint: controlplane.Endpoint{ID: 2, Method: "GET", Template: "/v1/pets/{id}", Cost: 7}, Source: "Petstore"},
		{Endpoint: controlplane.Endpoint{ID: 3, Method: "PUT", Template: "/v1/pets/{id}", Cost: 2}, Source: "Petstore"},
		{Endpoint: controlplane.Endpoint{ID: 4, Method: "POST", Template: "/v1/pets", Cost: 1}, Source: "Shelter"},
		{Endpoint: controlplane.Endpoint{ID: 6, Method: "GET", Template: "/v1/pets", Cost: 5}, Source: "Petstore"},
	}, openapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	deleted := map[controlplane.ID]bool{3: true}
	all := "POST /v1/pets, PUT /v1/pets/{id}, GET /v1/pets/{pet_id}, GET /exports/reports/{name}, DELETE /v1/pets/{pet_id}, GET /v1/pets"
	for name, x := range map[string]struct {
		choice  openapi.Choice
		deleted map[controlplane.ID]bool
		want    string // the chosen ones, or what the error says
	}{
		"everything":                      {openapi.Choice{}, deleted, all},
		"nothing":                         {openapi.Choice{Only: []string{}}, deleted, ""},
		"all but none":                    {openapi.Choice{Except: []string{}}, deleted, all},
		"some, with other parameters":     {openapi.Choice{Only: []string{" get  /v1/pets/{id} ", "DELETE /v1/pets/{x}"}}, deleted, "GET /v1/pets/{pet_id}, DELETE /v1/pets/{pet_id}"},
		"one twice":                       {openapi.Choice{Only: []string{"GET /v1/pets/{id}", "GET /v1/pets/{pet_id}"}}, deleted, "GET /v1/pets/{pet_id}"},
		"what was made before":            {openapi.Choice{Only: []string{"GET /v1/pets"}}, deleted, "GET /v1/pets"},
		"a deletion":                      {openapi.Choice{Only: []string{"PUT /v1/pets/{id}"}}, deleted, "PUT /v1/pets/{id}"},
		"all but a deletion":              {openapi.Choice{Except: []string{"PUT /v1/pets/{id}"}}, deleted, strings.Replace(all, "PUT /v1/pets/{id}, ", "", 1)},
		"all but a conflict":              {openapi.Choice{Except: []string{"POST /v1/pets"}}, deleted, strings.TrimPrefix(all, "POST /v1/pets, ")},
		"a deletion that isn't made":      {openapi.Choice{Only: []string{"PUT /v1/pets/{id}"}}, nil, `only.0: PUT /v1/pets/{id} can't be chosen: it is not in the document`},
		"a conflict":                      {openapi.Choice{Only: []string{"GET /v1/pets", "POST /v1/pets"}}, deleted, `only.1: POST /v1/pets can't be chosen: it is left as it is, as it came from Shelter`},
		"one that there isn't":            {openapi.Choice{Only: []string{"GET /v1/owners"}}, deleted, `only.0: the import has no change "GET /v1/owners"; name one as its changes have it, such as "PUT /v1/pets/{id}"`},
		"all but one that there isn't":    {openapi.Choice{Except: []string{"GET /v1/pets", "/v1/pets"}}, deleted, `except.1: the import has no change "/v1/pets"`},
		"some, and all but some of those": {openapi.Choice{Only: []string{"GET /v1/pets"}, Except: []string{"GET /v1/pets"}}, deleted, "except: give the changes to make or those to leave out, not both"},
	} {
		t.Run(name, func(t *testing.T) {
			chosen, err := c.Choose(x.choice, x.deleted)
			if err != nil {
				if !strings.HasPrefix(err.Error(), x.want) || x.want == "" {
					t.Errorf("got %v, want %s", err, x.want)
				}
				return
			}
			var got []string
			for i, is := range chosen {
				if is {
					got = append(got, c.Changes[i].Name())
				}
			}
			if diff := cmp.Diff(x.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfSeveralOnOneRouteTheOneThatIsMadeIsChosen(t *testing.T) {
	d, err := openapi.Read([]byte(head + "paths: {\"/b/{x}\": {get: {}}, \"/b/{y}\": {get: {}}}"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Compare(nil, openapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := c.Choose(openapi.Choice{Only: []string{"GET /b/{y}"}}, nil)
	if diff := cmp.Diff([]bool{false, true}, chosen); diff != "" || err != nil {
		t.Errorf("%v of %v (-want +got):\n%s", err, said(c), diff)
	}
}
