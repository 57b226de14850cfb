package graph

// NodeKinds returns the prefixes of ids by the names of their types.
func NodeKinds() map[string]string {
	prefixes := map[string]string{}
	for name, k := range new(Resolver).nodeKinds() {
		prefixes[name] = string(k.kind)
	}
	return prefixes
}

// Presenter is what turns errors into what callers are told.
var Presenter = presenter
