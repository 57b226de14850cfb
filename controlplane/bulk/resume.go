package bulk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

const (
	// haveHeader of a request says what came of an answer that broke off: the number of
	// its bytes, and their SHA-256, as in 1048576:9f86….
	haveHeader = "Weir-Have"
	// fromHeader of an answer says that it begins after so many bytes, which are those.
	fromHeader = "Weir-From"
)

// errOther ends an answer that doesn't begin with what its asker has.
var errOther = errors.New("the export does not begin with what Weir-Have names")

// rest writes an answer without the beginning that its asker has, once it has seen that
// the answer does begin with it. Nothing of an answer is kept from one request to the
// next, so it is made anew, and only not sent.
type rest struct {
	http.ResponseWriter
	have, passed int64
	sum          []byte
	hash         hash.Hash
	sends        bool // whether all that was had has passed
}

func restOf(w http.ResponseWriter, r *http.Request) (*rest, error) {
	text := r.Header.Get(haveHeader)
	if text == "" {
		return &rest{ResponseWriter: w, sends: true}, nil
	}
	size, sum, _ := strings.Cut(text, ":")
	have, err := strconv.ParseInt(size, 10, 64)
	digest, hexErr := hex.DecodeString(sum)
	if err != nil || hexErr != nil || have <= 0 || len(digest) != sha256.Size {
		return nil, controlplane.Invalid(haveHeader, "give a number of bytes and their SHA-256, such as 12:0f3c… with 64 hexadecimal digits")
	}
	return &rest{ResponseWriter: w, have: have, sum: digest, hash: sha256.New()}, nil
}

// Write implements io.Writer.
func (r *rest) Write(p []byte) (int, error) {
	if r.sends {
		return r.ResponseWriter.Write(p)
	}
	known := p[:min(int64(len(p)), r.have-r.passed)]
	r.hash.Write(known)
	if r.passed += int64(len(known)); r.passed < r.have {
		return len(p), nil
	}
	if !bytes.Equal(r.hash.Sum(nil), r.sum) {
		return 0, errOther
	}
	r.sends = true
	r.Header().Set(fromHeader, strconv.FormatInt(r.have, 10))
	n, err := r.ResponseWriter.Write(p[len(known):])
	return len(known) + n, err
}

// end says whether the answer was long enough.
func (r *rest) end() error {
	if !r.sends {
		return errOther
	}
	return nil
}

// Unwrap is for http.ResponseController.
func (r *rest) Unwrap() http.ResponseWriter { return r.ResponseWriter }

var _ io.Writer = (*rest)(nil)
