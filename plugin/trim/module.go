package main

import (
	"bytes"
	"errors"
)

// Identifiers of sections (5.5.2).
const (
	sectionImport   = 2
	sectionFunction = 3
	sectionExport   = 7
	sectionCode     = 10
	sectionData     = 11
)

// kindFunction marks a function among imports and exports; the other kinds are
// tables, memories and globals.
const kindFunction = 0

var preamble = []byte("\x00asm\x01\x00\x00\x00")

// module is a module as a list of its sections, in their order.
type module []section

type section struct {
	id      byte
	content []byte
}

type export struct {
	name  string
	kind  byte
	index uint32
}

func parseModule(b []byte) (m module, err error) {
	rest, ok := bytes.CutPrefix(b, preamble)
	if !ok {
		return nil, errors.New("not a WebAssembly module of version 1")
	}
	r := reader{rest: rest}
	for len(r.rest) > 0 {
		m = append(m, section{r.byte(), r.vector()})
	}
	return m, r.err
}

func (m module) encode() []byte {
	b := bytes.Clone(preamble)
	for _, s := range m {
		b = appendVector(append(b, s.id), s.content)
	}
	return b
}

// find returns a section that a module has at most once.
func (m module) find(id byte, name string) (*section, error) {
	for i := range m {
		if m[i].id == id {
			return &m[i], nil
		}
	}
	return nil, errors.New("the module has no " + name + " section")
}

func (m module) exports() (all []export, err error) {
	s, err := m.find(sectionExport, "export")
	if err != nil {
		return nil, err
	}
	r := reader{rest: s.content}
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		all = append(all, export{string(r.vector()), r.byte(), r.u32()})
	}
	return all, r.err
}

func (m module) setExports(all []export) error {
	s, err := m.find(sectionExport, "export")
	if err != nil {
		return err
	}
	b := appendU32(nil, uint32(len(all)))
	for _, e := range all {
		b = append(appendVector(b, []byte(e.name)), e.kind)
		b = appendU32(b, e.index)
	}
	s.content = b
	return nil
}

// importedFunctions is how many functions come before those of the module
// itself, which have the numbers from there on.
func (m module) importedFunctions() (n uint32, err error) {
	s, err := m.find(sectionImport, "import")
	if err != nil {
		return 0, err
	}
	r := reader{rest: s.content}
	for left := r.u32(); left > 0 && r.err == nil; left-- {
		r.vector() // module
		r.vector() // name
		if kind := r.byte(); kind != kindFunction {
			return 0, errors.New("an import is not a function")
		}
		r.u32() // type
		n++
	}
	return n, r.err
}

// typeOf returns the type of a function of the module's own.
func (m module) typeOf(function uint32) (uint32, error) {
	imported, err := m.importedFunctions()
	if err != nil {
		return 0, err
	}
	s, err := m.find(sectionFunction, "function")
	if err != nil {
		return 0, err
	}
	r := reader{rest: s.content}
	n := r.u32()
	if function < imported || function-imported >= n {
		return 0, errors.New("an export is not a function of the module")
	}
	for range function - imported {
		r.u32()
	}
	return r.u32(), r.err
}

// addFunction adds a function after all others and returns its number. The body
// is its locals and instructions (5.5.13).
func (m module) addFunction(typeIndex uint32, body []byte) (uint32, error) {
	imported, err := m.importedFunctions()
	if err != nil {
		return 0, err
	}
	functions, err := m.find(sectionFunction, "function")
	if err != nil {
		return 0, err
	}
	code, err := m.find(sectionCode, "code")
	if err != nil {
		return 0, err
	}
	declared, err := functions.push(appendU32(nil, typeIndex))
	if err != nil {
		return 0, err
	}
	defined, err := code.push(appendVector(nil, body))
	if err != nil {
		return 0, err
	}
	if declared != defined {
		return 0, errors.New("the module declares other functions than it defines")
	}
	return imported + declared, nil
}

// push adds an item at the end of a section that is a vector, and returns its
// position.
func (s *section) push(item []byte) (position uint32, err error) {
	r := reader{rest: s.content}
	n := r.u32()
	if r.err != nil {
		return 0, r.err
	}
	b := appendU32(make([]byte, 0, len(s.content)+len(item)+1), n+1)
	s.content = append(append(b, r.rest...), item...)
	return n, nil
}
