// Package manifests checks Weir's manifests with the programs that read them.
//
// In come the manifests of deploy/istio and deploy/envoy-gateway; Istio's own
// code turns the ones, and a running Envoy Gateway the others, into Envoy's
// configuration. Out comes what they make of Weir, as JSON files in
// tests/testdata/install, which the tests of the whole run in a real Envoy. Each
// says from which text of the manifests it was made, so that a changed manifest
// can't be forgotten here.
//
// It is a module of its own because the two bring half of Kubernetes along. To
// check, and to write the files anew after a change of the manifests:
//
//	go test -C tools/manifests ./...
//	go test -C tools/manifests ./... -update
package manifests
