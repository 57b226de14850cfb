package audit

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/weirhq/weir/controlplane/sheet"
)

// Formats are the endings of what records can be written as, with their media
// types.
func Formats() map[string]string {
	return map[string]string{"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}
}

// Writer writes records.
type Writer interface {
	Write([]Record) error
}

// NewWriter returns what writes records in a format, as CSV unless it is ndjson. CSV
// begins with a header at once; NDJSON has each record's canonical form, which its
// hash is of.
func NewWriter(to io.Writer, format string) (Writer, error) {
	if format == "ndjson" {
		return lines{bufio.NewWriter(to)}, nil
	}
	w := csv.NewWriter(to)
	w.UseCRLF = true
	err := w.Write([]string{
		"seq", "at", "actor_kind", "actor_id", "actor_name", "request_id", "action", "object_kind", "object_id", "object_name",
		"account_id", "before", "after", "prev_hash", "hash",
	})
	w.Flush()
	return table{w}, cmp.Or(err, w.Error())
}

type lines struct{ to *bufio.Writer }

func (l lines) Write(records []Record) error {
	for i := range records {
		line, err := records[i].Line()
		if err != nil {
			return err
		}
		if _, err := l.to.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return l.to.Flush()
}

type table struct{ to *csv.Writer }

func (t table) Write(records []Record) error {
	for i := range records {
		r := &records[i]
		err := t.to.Write([]string{
			strconv.FormatInt(r.Seq, 10), r.At.UTC().Format(timeLayout), string(r.Actor.Kind), ActorID(r.Actor), sheet.Text(r.Actor.Name), sheet.Text(r.Actor.RequestID),
			string(r.Action), string(r.Object.Kind), r.Object.ID, sheet.Text(r.Object.Name), r.account(),
			string(r.Before), string(r.After), r.PrevHash.String(), r.Hash.String(),
		})
		if err != nil {
			return err
		}
	}
	t.to.Flush()
	return t.to.Error()
}
