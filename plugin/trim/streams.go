package main

import (
	"errors"
	"slices"

	"github.com/weirhq/weir/plugin/gate"
)

const (
	exportCreate = "proxy_on_context_create"
	exportDelete = "proxy_on_delete"
)

// exportSet is the exports in the making.
type exportSet struct {
	module
	all []export
}

func (s *exportSet) find(name string) int {
	return slices.IndexFunc(s.all, func(e export) bool { return e.name == name && e.kind == kindFunction })
}

// take removes an export and returns its function and the function's type.
func (s *exportSet) take(name string) (function, signature uint32, err error) {
	i := s.find(name)
	if i < 0 {
		return 0, 0, errors.New("the module does not export " + name)
	}
	function = s.all[i].index
	s.all = slices.Delete(s.all, i, i+1)
	signature, err = s.typeOf(function)
	return function, signature, err
}

// replace puts a function in the place of an exported one of the same type.
func (s *exportSet) replace(name string, function, signature uint32) error {
	i := s.find(name)
	if i < 0 {
		return errors.New("the module does not export " + name)
	}
	if held, err := s.typeOf(s.all[i].index); err != nil || held != signature {
		return errors.Join(errors.New("what is to be exported as "+name+" is of another type"), err)
	}
	s.all[i].index = function
	return nil
}

// passStreams has the proxy call the filter's own functions for streams, see
// package gate.
func passStreams(m module, exports []export) ([]export, error) {
	s := exportSet{m, exports}
	for _, own := range [...][2]string{
		{gate.RequestHeaders, "proxy_on_request_headers"},
		{gate.ResponseHeaders, "proxy_on_response_headers"},
		{gate.Log, "proxy_on_log"},
	} {
		function, signature, err := s.take(own[0])
		if err == nil {
			err = s.replace(own[1], function, signature)
		}
		if err != nil {
			return nil, err
		}
	}
	control, err := findControl(m, gate.Mark())
	if err != nil {
		return nil, err
	}
	if err := s.guardCreate(control); err != nil {
		return nil, err
	}
	if err := s.guardDelete(control); err != nil {
		return nil, err
	}
	return s.all, nil
}

// guardCreate has contexts created by, with newest read from the control block:
//
//	if plugin == 0 { create(id, 0); return }
//	if plugin != newest { stream(id, plugin) }
func (s *exportSet) guardCreate(control int32) error {
	i := s.find(exportCreate)
	if i < 0 {
		return errors.New("the module does not export " + exportCreate)
	}
	create := s.all[i].index
	stream, signature, err := s.take(gate.Stream)
	if err != nil {
		return err
	}
	const id, plugin = 0, 1 // parameters
	b := []byte{0}          // no locals
	b = append(b, opLocalGet, plugin, opI32Eqz, opIf, typeEmpty, opLocalGet, id, opLocalGet, plugin, opCall)
	b = append(appendU32(b, create), opReturn, opEnd)
	b = append(loadNewest(append(b, opLocalGet, plugin), control), opI32Ne)
	b = append(b, opIf, typeEmpty, opLocalGet, id, opLocalGet, plugin, opCall)
	b = append(appendU32(b, stream), opEnd, opEnd)
	return s.guard(exportCreate, signature, b)
}

// guardDelete has contexts deleted by:
//
//	if id > newest { return }
//	if forget(id) != 0 { delete(id) }
func (s *exportSet) guardDelete(control int32) error {
	i := s.find(exportDelete)
	if i < 0 {
		return errors.New("the module does not export " + exportDelete)
	}
	remove := s.all[i].index
	signature, err := s.typeOf(remove)
	if err != nil {
		return err
	}
	forget, _, err := s.take(gate.Forget)
	if err != nil {
		return err
	}
	const id = 0
	b := []byte{0, opLocalGet, id}
	b = append(loadNewest(b, control), opI32GtU, opIf, typeEmpty, opReturn, opEnd)
	b = append(appendU32(append(b, opLocalGet, id, opCall), forget), opIf, typeEmpty, opLocalGet, id, opCall)
	b = append(appendU32(b, remove), opEnd, opEnd)
	return s.guard(exportDelete, signature, b)
}

// guard adds a function and exports it in the place of another.
func (s *exportSet) guard(name string, signature uint32, body []byte) error {
	added, err := s.addFunction(signature, body)
	if err != nil {
		return err
	}
	return s.replace(name, added, signature)
}

func loadNewest(b []byte, control int32) []byte {
	b = append(appendS32(append(b, opI32Const), control), opI32Load, 2) // aligned to 1<<2
	return appendU32(b, gate.OffsetNewest)
}
