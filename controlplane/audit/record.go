package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/weirhq/weir/controlplane"
)

// Entry is what is to be recorded of one change.
type Entry struct {
	Action    Action
	Object    Object
	AccountID controlplane.ID // whose it is; 0: no account's
	// Before and After are nil where there was or is none.
	Before, After State
	Reach         []Reach // whom else it is about; not recorded
}

// Object is what a change was made of.
type Object struct {
	Kind ObjectKind
	ID   string // as the API has it, such as tier_3; empty for what there is one of
	Name string // as it was at the time
}

// Record is an entry in its place of the log.
type Record struct {
	Seq           int64     // from 1, without gaps
	At            time.Time // UTC, to the microsecond
	Actor         controlplane.Actor
	Action        Action
	Object        Object
	AccountID     controlplane.ID // 0: no account's
	Before, After json.RawMessage // nil: none
	PrevHash      Hash            // of the record before
	Hash          Hash
}

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String writes a hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Anchor is a place in the log. The zero value is the place before the first record.
type Anchor struct {
	Seq  int64
	Hash Hash
}

// String writes an anchor so that ParseAnchor reads it: 7:0c1d….
func (a Anchor) String() string { return strconv.FormatInt(a.Seq, 10) + ":" + a.Hash.String() }

// ParseAnchor reads an anchor. The error names field.
func ParseAnchor(field, text string) (Anchor, error) {
	seq, hash, ok := strings.Cut(text, ":")
	var a Anchor
	var err error
	a.Seq, err = strconv.ParseInt(seq, 10, 64)
	digest, hexErr := hex.DecodeString(hash)
	if !ok || err != nil || hexErr != nil || a.Seq < 0 || len(digest) != len(a.Hash) {
		return a, controlplane.Invalid(field, "give a record's number and its hash, such as 12:0f3c… with 64 hexadecimal digits")
	}
	copy(a.Hash[:], digest)
	return a, nil
}

// Append makes the record that follows head, of what by did at a time.
func Append(head Anchor, at time.Time, by controlplane.Actor, e Entry) (Record, error) {
	r := Record{
		Seq: head.Seq + 1, At: at.UTC().Truncate(time.Microsecond), Actor: by,
		Action: e.Action, Object: e.Object, AccountID: e.AccountID, PrevHash: head.Hash,
	}
	var err error
	if r.Before, err = state(e.Before); err != nil {
		return r, fmt.Errorf("write what %s was before: %w", e.Object.Kind, err)
	}
	if r.After, err = state(e.After); err != nil {
		return r, fmt.Errorf("write what %s is after: %w", e.Object.Kind, err)
	}
	r.Hash, err = r.Sum()
	return r, err
}

// Place is where the record stands.
func (r *Record) Place() Anchor { return Anchor{r.Seq, r.Hash} }

// Sum computes what the record's hash has to be.
func (r *Record) Sum() (Hash, error) {
	canonical, err := r.canonical(nil)
	return sha256.Sum256(canonical), err
}

// Line is the record as canonical JSON with its hash, without a line break.
func (r *Record) Line() ([]byte, error) {
	hash := r.Hash.String()
	return r.canonical(&hash)
}

// state marshals one side of a change; nil stays nil.
func state(v State) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return text, wholeNumbers(text)
}

// maxExact is the largest whole number that every JSON reader takes exactly.
const maxExact = 1<<53 - 1

// wholeNumbers refuses numbers that not every program reads and writes alike.
func wholeNumbers(text []byte) error {
	tokens := json.NewDecoder(bytes.NewReader(text))
	tokens.UseNumber()
	for {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if number, ok := token.(json.Number); ok {
			if n, err := number.Int64(); err != nil || n > maxExact || n < -maxExact {
				return fmt.Errorf("%s is not a whole number within ±%d", number, int64(maxExact))
			}
		}
	}
}

// timeLayout has always six decimals, as Postgres keeps them.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func (r *Record) canonical(hash *string) ([]byte, error) {
	type object struct {
		Kind string  `json:"kind"`
		ID   *string `json:"id"`
		Name string  `json:"name"`
	}
	text, err := json.Marshal(struct {
		Seq       int64           `json:"seq"`
		At        string          `json:"at"`
		Actor     object          `json:"actor"`
		RequestID *string         `json:"requestId"`
		Action    Action          `json:"action"`
		Object    object          `json:"object"`
		AccountID *string         `json:"accountId"`
		Before    json.RawMessage `json:"before"`
		After     json.RawMessage `json:"after"`
		PrevHash  string          `json:"prevHash"`
		Hash      *string         `json:"hash,omitempty"`
	}{
		r.Seq, r.At.UTC().Format(timeLayout), object{string(r.Actor.Kind), given(ActorID(r.Actor)), r.Actor.Name}, given(r.Actor.RequestID),
		r.Action, object{string(r.Object.Kind), given(r.Object.ID), r.Object.Name}, given(r.account()),
		r.Before, r.After, r.PrevHash.String(), hash,
	})
	if err != nil {
		return nil, fmt.Errorf("write record %d: %w", r.Seq, err)
	}
	canonical, err := jcs.Transform(text)
	if err != nil {
		return nil, fmt.Errorf("write record %d in canonical form: %w", r.Seq, err)
	}
	return canonical, nil
}

// account is whose the object is; empty: no account's.
func (r *Record) account() string {
	if r.AccountID == 0 {
		return ""
	}
	return controlplane.KindAccount.Format(r.AccountID)
}

// given is null for what is not there.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// ActorID is an actor's identity as the API has it; empty for the system.
func ActorID(a controlplane.Actor) string {
	kind := map[controlplane.ActorKind]controlplane.Kind{
		controlplane.ActorMember: controlplane.KindMember, controlplane.ActorToken: controlplane.KindToken,
	}[a.Kind]
	switch {
	case a.ID == 0:
		return ""
	case kind == "":
		return strconv.FormatInt(int64(a.ID), 10)
	}
	return kind.Format(a.ID)
}

// ParseActorID reads what ActorID wrote of a member or a token. The error names
// field.
func ParseActorID(field, text string) (controlplane.ActorKind, controlplane.ID, error) {
	if id, err := controlplane.KindToken.Parse(field, text); err == nil {
		return controlplane.ActorToken, id, nil
	}
	id, err := controlplane.KindMember.Parse(field, text)
	return controlplane.ActorMember, id, err
}
