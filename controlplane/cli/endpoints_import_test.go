package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const petsDocument = `openapi: 3.1.0
info: {title: Pets, version: 1.0.3}
servers: [{url: https://api.example/v1}]
paths:
  /pets: {get: {tags: [Pets], x-weir-cost: 5}}
  /pets/{id}: {get: {tags: [Pets]}, delete: {}}
`

func TestSomeChangesOfADocumentAreImportedOnTheCommandLine(t *testing.T) {
	p := open(t)
	file := filepath.Join(t.TempDir(), "pets.yaml")
	write := func(document string) {
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	endpoints := func() []string {
		return strings.Fields(strings.ReplaceAll(p.must("endpoints", "list", "-o", "name"), " ", "_"))
	}
	write(petsDocument)
	imports := func(more ...string) []string { return append([]string{"endpoints", "import", file}, more...) }
	p.refused(1, `weir: --only: the import has no change "GET /v1/owners"; name one`, imports("--only", "GET /v1/owners", "--yes")...)
	p.refused(2, "can't be used together", imports("--only", "GET /v1/pets", "--except", "GET /v1/pets")...)
	p.refused(2, "there is nobody to ask; give --yes", imports()...)
	golden(t, "import-planned.txt", p.must(imports("--group-by-tag", "--except", "GET /v1/pets/{petId}", "--dry-run")...))
	if got := endpoints(); len(got) != 0 {
		t.Fatalf("there are %s", got)
	}

	some := p.weir(imports("--group-by-tag", "--except", "GET /v1/pets/{petId}", "--yes", "-o", "name")...)
	if some.Code != 0 || !strings.HasPrefix(some.Err, "Pets 1.0.3: made 2 of 3 changes, counted from snapshot ") {
		t.Errorf("%+v", some)
	}
	if diff := cmp.Diff([]string{"GET_/v1/pets", "DELETE_/v1/pets/{id}"}, endpoints()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// What was left out is a change again, and what is gone goes only when that is said.
	write(strings.Replace(petsDocument, "/pets: {get: {tags: [Pets], x-weir-cost: 5}}", "", 1))
	golden(t, "import-again.txt", p.must(imports("--delete-missing", "--only", "GET /v1/pets/{id}", "--dry-run")...))
	p.must(imports("--delete-missing", "--only", "GET /v1/pets/{id}", "--yes")...)
	if diff := cmp.Diff([]string{"GET_/v1/pets", "DELETE_/v1/pets/{id}", "GET_/v1/pets/{id}"}, endpoints()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.in = petsDocument
	if got := p.must("endpoints", "import", "-", "--yes", "-o", "json"); got != "[]\n" {
		t.Errorf("what is there already is %s", got)
	}
}
