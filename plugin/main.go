// Command plugin is the filter as a wasm module:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/untrimmed.wasm ./plugin
//	go run ./plugin/trim build/untrimmed.wasm build/weir.wasm
package main

import (
	_ "github.com/weirhq/weir/plugin/arena" // exports a function
	"github.com/weirhq/weir/plugin/filter"
)

func main() {}

func init() { filter.Register() }
