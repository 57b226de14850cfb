package controlplane

// ManagedObject is an object that somebody keeps in files.
type ManagedObject struct {
	Kind    Kind
	ID      ID
	Manager string
}

// managedKinds are the kinds of objects that can be kept in files and deleted.
var managedKinds = []Kind{KindGroup, KindEndpoint, KindMeter, KindTier}

// ParseManaged reads the id of an object that can be kept in files. The error names field.
func ParseManaged(field, s string) (Kind, ID, error) {
	for _, kind := range managedKinds {
		if id, err := kind.Parse(field, s); err == nil {
			return kind, id, nil
		}
	}
	return "", 0, Invalid(field, "give the id of a group, an endpoint, a meter or a tier, such as tier_7")
}

// ValidateManager returns what keeps a name from being a manager's.
func ValidateManager(field string, name *string) error { return validateName(field, name, 64) }
