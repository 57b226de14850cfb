package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// AuditPage is one page of the audit log.
type AuditPage struct {
	Records []audit.Record
	More    bool // whether there are older ones that the filter finds
}

const auditWhere = ` where ($1 = '' or actor_kind = $1) and ($2::bigint = 0 or actor_id = $2) and ($3::text[] is null or action = any($3))
	and ($4 = '' or object_id = $4) and ($5 = '' or request_id = $5)
	and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
	and ($8 = '' or actor_name ilike $8 or object_name ilike $8)`

// auditOf are the records that are about account $9: its own, and those that are about it
// among many. Either has an index by which it is read in the order of the log.
const auditOf = `(select * from audit_records where account_id = $9 and account_id <> 0
	union all select * from audit_records where seq = any(array(select records_reaching($9))) and account_id <> $9) r`

// auditFrom is where records that a filter finds are read from, and the arguments of that
// and of auditWhere.
func auditFrom(f *audit.Filter) (from string, args []any) {
	var actions []string
	for _, a := range f.Actions {
		actions = append(actions, string(a))
	}
	pattern := ""
	if f.Text != "" {
		pattern = "%" + likeEscaper.Replace(f.Text) + "%"
	}
	args = []any{string(f.ActorKind), f.ActorID, actions, f.ObjectID, f.RequestID, f.From, f.To, pattern}
	if f.AccountID == 0 {
		return "audit_records" + auditWhere, args
	}
	return auditOf + auditWhere, append(args, f.AccountID)
}

// AuditLog returns records that filter finds, newest first, those before the given
// one (0: from the newest).
func (db *DB) AuditLog(ctx context.Context, f audit.Filter, before int64, first int) (AuditPage, error) {
	var page AuditPage
	err := db.snapshot(ctx, func(tx pgx.Tx) (err error) {
		from, args := auditFrom(&f)
		n := len(args)
		sql := fmt.Sprintf(`select %s from %s and ($%d::bigint = 0 or seq < $%[3]d) order by seq desc limit $%d`, auditColumns, from, n+1, n+2)
		page.Records, err = listRecords(ctx, tx, sql, append(args, before, first+1)...)
		return err
	})
	if err != nil {
		return page, fmt.Errorf("read the audit log: %w", err)
	}
	if len(page.Records) > first {
		page.Records, page.More = page.Records[:first], true
	}
	return page, nil
}

// AuditHead returns where the audit log ends.
func (db *DB) AuditHead(ctx context.Context) (audit.Anchor, error) {
	head, err := auditHead(ctx, db.pool)
	if err != nil {
		return head, fmt.Errorf("read the head of the audit log: %w", err)
	}
	return head, nil
}

func auditHead(ctx context.Context, q querier) (a audit.Anchor, err error) {
	head, err := one[struct {
		Seq  int64
		Hash []byte
	}](ctx, q, `select seq, hash from audit_head`)
	a.Seq = head.Seq
	copy(a.Hash[:], head.Hash)
	return a, err
}

// auditRows is how many records are held at once while many are read.
const auditRows = 1_000

// ExportAudit tells begin where a part of the log ends, and then gives the records in it
// that filter finds to write, oldest first, some at a time. The part is that of one
// moment, and the records that it lies between have to be those that it names.
func (db *DB) ExportAudit(ctx context.Context, f audit.Filter, part audit.Part, begin func(audit.Anchor) error, write func([]audit.Record) error) error {
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		for _, a := range []audit.Anchor{part.After, part.Last} {
			if err := checkRecord(ctx, tx, a); err != nil {
				return err
			}
		}
		if part.Last == (audit.Anchor{}) {
			head, err := auditHead(ctx, tx)
			if err != nil {
				return err
			}
			part.Last = head
		}
		if err := begin(part.Last); err != nil {
			return err
		}
		from, args := auditFrom(&f)
		return eachRecords(ctx, tx, part.After.Seq, fmt.Sprintf(`%s and seq <= %d`, from, part.Last.Seq), args, write)
	})
	if err != nil {
		return fmt.Errorf("export the audit log: %w", err)
	}
	return nil
}

// eachRecords gives the records after a place to do, in their order: of those that it
// reads from somewhere where something is true.
func eachRecords(ctx context.Context, tx pgx.Tx, after int64, from string, args []any, do func([]audit.Record) error) error {
	n := len(args)
	sql := fmt.Sprintf(`select %s from %s and seq > $%d order by seq limit $%d`, auditColumns, from, n+1, n+2)
	for {
		records, err := listRecords(ctx, tx, sql, append(args[:n:n], after, auditRows)...)
		if err != nil {
			return err
		}
		if len(records) > 0 {
			if err := do(records); err != nil {
				return err
			}
			after = records[len(records)-1].Seq
		}
		if len(records) < auditRows {
			return nil
		}
	}
}

// errEnough ends the reading of records early.
var errEnough = errors.New("enough records were read")

// VerifyAudit checks that the audit log, as of one moment, is whole.
func (db *DB) VerifyAudit(ctx context.Context, c audit.Check) (report audit.Report, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		report, err = verifyAudit(ctx, tx, c)
		return err
	})
	if err != nil && controlplane.Faults(err) == nil {
		return report, fmt.Errorf("verify the audit log: %w", err)
	}
	return report, err
}

func verifyAudit(ctx context.Context, tx pgx.Tx, c audit.Check) (report audit.Report, err error) {
	if report.Head, err = auditHead(ctx, tx); err != nil {
		return report, err
	}
	after, err := placeBefore(ctx, tx, c.From, report.Head)
	if err != nil {
		return report, err
	}
	after, anchors, err := beginAt(ctx, tx, after, c)
	if errors.As(err, &report.Break) {
		return report, nil
	}
	if err != nil {
		return report, err
	}
	chain, err := audit.NewChain(after, anchors...)
	if err == nil {
		err = eachRecords(ctx, tx, after.Seq, `audit_records where true`, nil, func(records []audit.Record) error {
			for i := range records {
				if c.Most > 0 && chain.Checked() == c.Most {
					return errEnough
				}
				if err := chain.Add(&records[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = chain.End(report.Head)
		}
		report.Checked, report.Last = chain.Checked(), chain.Last()
	}
	if errors.As(err, &report.Break) || errors.Is(err, errEnough) {
		return report, nil
	}
	return report, err
}

// beginAt returns where a check begins, and the anchors from there on: at the earliest
// anchor when that lies before the place that was asked for, so that all between them is
// walked. Whoever goes on with a check in parts has an anchor at that place, up to which
// everything was walked: of earlier ones only the records are checked.
func beginAt(ctx context.Context, tx pgx.Tx, place audit.Anchor, c audit.Check) (audit.Anchor, []audit.Anchor, error) {
	goesOn := c.Most > 0 && slices.ContainsFunc(c.Anchors, func(a audit.Anchor) bool { return a.Seq == place.Seq })
	begin, left := place, []audit.Anchor(nil)
	for _, a := range c.Anchors {
		if a.Seq < place.Seq {
			if err := checkRecord(ctx, tx, a); err != nil {
				return begin, nil, err
			}
			if goesOn {
				continue
			}
			if a.Seq < begin.Seq {
				begin = a
			}
		}
		left = append(left, a)
	}
	return begin, left, nil
}

// checkRecord checks by itself the record that an anchor names, unless that is the place
// before the first.
func checkRecord(ctx context.Context, tx pgx.Tx, a audit.Anchor) error {
	if a == (audit.Anchor{}) {
		return nil
	}
	records, err := listRecords(ctx, tx, `select `+auditColumns+` from audit_records where seq = $1`, a.Seq)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return a.Check(nil)
	}
	return a.Check(&records[0])
}

// placeBefore returns the place before a record, as that record has it.
func placeBefore(ctx context.Context, tx pgx.Tx, seq int64, head audit.Anchor) (audit.Anchor, error) {
	switch {
	case seq <= 1:
		return audit.Anchor{}, nil
	case seq == head.Seq+1:
		return head, nil
	}
	records, err := listRecords(ctx, tx, `select `+auditColumns+` from audit_records where seq = $1`, seq)
	if err == nil && len(records) == 0 {
		err = controlplane.Invalid("from", "there is no record %d; the log ends at %d", seq, head.Seq)
	}
	if err != nil {
		return audit.Anchor{}, err
	}
	return audit.Anchor{Seq: seq - 1, Hash: records[0].PrevHash}, nil
}
