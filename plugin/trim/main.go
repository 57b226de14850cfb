package main

import (
	"errors"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		io.WriteString(os.Stderr, "trim: "+err.Error()+"\n")
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("give the module to read and the file to write")
	}
	b, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	trimmed, err := trim(b)
	if err != nil {
		return errors.New(arguments[0] + ": " + err.Error())
	}
	return os.WriteFile(arguments[1], trimmed, 0o644)
}

// trim returns the module that the documentation of this command describes.
func trim(b []byte) ([]byte, error) {
	m, err := parseModule(b)
	if err != nil {
		return nil, err
	}
	exports, err := m.exports()
	if err != nil {
		return nil, err
	}
	exports, err = allocateFromChunk(m, dropCallbacks(exports))
	if err != nil {
		return nil, err
	}
	exports, err = passStreams(m, exports)
	if err != nil {
		return nil, err
	}
	if err := m.setExports(exports); err != nil {
		return nil, err
	}
	return m.encode(), nil
}
