package graph

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/graph/generated"
)

// maxManifestBytes bounds a manifest of known documents.
const maxManifestBytes = 8 << 20

// Documents are those that API tokens may run, where nothing else may be.
type Documents struct {
	byHash map[string]string // documents as they were given, by their SHA-256 in hex
	plain  map[[sha256.Size]byte]bool
	// judged says of other texts, by their SHA-256, whether they are known documents in
	// another spelling.
	judged *lru.LRU[bool]
}

// judgedTexts is how many texts are remembered.
const judgedTexts = 10_000

// ReadDocuments reads a manifest of documents: a JSON object of documents by any name, as
// Relay's compiler writes it, or a manifest of Apollo's, which has them as `body` in a list
// of `operations`. The command line's own are known beside them. It fails when a document
// isn't one that the schema takes.
func ReadDocuments(manifest []byte) (*Documents, error) {
	if len(manifest) > maxManifestBytes {
		return nil, fmt.Errorf("the manifest has more than %d bytes", maxManifestBytes)
	}
	named, err := manifestOf(manifest)
	if err != nil {
		return nil, err
	}
	own, err := client.Documents()
	if err != nil {
		return nil, err
	}
	d := &Documents{byHash: map[string]string{}, plain: map[[sha256.Size]byte]bool{}, judged: lru.New[bool](judgedTexts)}
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: &Resolver{}}).Schema()
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := d.add(schema, named[name]); err != nil {
			return nil, fmt.Errorf("document %.100q: %w", name, err)
		}
	}
	for _, text := range own {
		if err := d.add(schema, text); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func manifestOf(text []byte) (map[string]string, error) {
	var apollo struct {
		Format     string
		Operations []struct{ ID, Name, Body string }
	}
	if err := json.Unmarshal(text, &apollo); err == nil && apollo.Format == "apollo-persisted-query-manifest" {
		named := map[string]string{}
		for _, o := range apollo.Operations {
			named[o.ID] = o.Body
		}
		return named, nil
	}
	var named map[string]string
	if err := json.Unmarshal(text, &named); err != nil {
		return nil, errors.New(`the manifest is neither a JSON object such as {"name": "query { … }"} nor an Apollo persisted query manifest`)
	}
	return named, nil
}

func (d *Documents) add(schema *ast.Schema, text string) error {
	if _, faults := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules()); len(faults) > 0 {
		return faults[0]
	}
	plain, err := plainHash(text)
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(text))
	d.byHash[hex.EncodeToString(hash[:])] = text
	d.plain[plain] = true
	return nil
}

// plainHash is that of a document in one spelling, whatever its spaces and comments.
// Whether the schema takes it doesn't matter.
func plainHash(text string) ([sha256.Size]byte, error) {
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, maxTokens)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	var plain bytes.Buffer
	formatter.NewFormatter(&plain).FormatQueryDocument(document)
	return sha256.Sum256(plain.Bytes()), nil
}

// has says whether a text is one of the documents.
func (d *Documents) has(ctx context.Context, text string) bool {
	hash := sha256.Sum256([]byte(text))
	if _, ok := d.byHash[hex.EncodeToString(hash[:])]; ok {
		return true
	}
	key := string(hash[:])
	known, ok := d.judged.Get(ctx, key)
	if !ok {
		plain, err := plainHash(text)
		known = err == nil && d.plain[plain]
		d.judged.Add(ctx, key, known)
	}
	return known
}

// allows says whether whoever asks may run a text. Members act by themselves, in the
// dashboard and GraphiQL; API tokens run the documents only.
func (d *Documents) allows(ctx context.Context, text string) bool {
	p, ok := auth.PrincipalOf(ctx)
	return ok && p.Kind == auth.Session || d.has(ctx, text)
}

// knownOnly refuses API tokens what isn't among the documents, before it is looked at in
// any other way: so it is all the same to them what there is in the schema. It has to be
// used after what finds texts by their hashes.
type knownOnly struct{ *Documents }

// ExtensionName implements graphql.HandlerExtension.
func (knownOnly) ExtensionName() string { return "KnownOnly" }

// Validate implements graphql.HandlerExtension.
func (knownOnly) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (k knownOnly) MutateOperationParameters(ctx context.Context, asked *graphql.RawParams) *gqlerror.Error {
	if k.allows(ctx, asked.Query) {
		return nil
	}
	fault := gqlerror.Errorf("API tokens run known documents only, and this is none; add it to the manifest that weir serve is given with --operations")
	fault.Extensions = map[string]any{"code": controlplane.CodeOperationUnknown}
	return fault
}
