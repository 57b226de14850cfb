// Package declare keeps the policy in files: what should be there, what that changes,
// and in which order.
//
// In come YAML files and the state of a control plane; out comes a plan, a list of
// changes. It is pure: package cli reads the state and makes the changes.
//
// A document is authoritative for what it names, whole: what an object leaves out is at
// its default. What a document does not name stays as it is, unless the plan is to
// prune: then what bears the document's manager and is not in it any more is deleted.
// Nothing else ever is, so what people made by hand is safe from files.
//
// After a plan was made as a whole, a new plan of the same document is empty.
package declare
