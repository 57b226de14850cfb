// Command plugin is the filter as a wasm module:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/weir.wasm ./plugin
package main

import "github.com/weirhq/weir/plugin/filter"

func main() {}

func init() { filter.Register() }
