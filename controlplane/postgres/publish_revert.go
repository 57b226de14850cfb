package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// publication is one whose accounts are to go back.
type publication struct {
	version   controlplane.TierVersion
	tier      controlplane.Tier
	policy    int64     // the version of the policy that it made
	at        time.Time // of its record
	byVersion []returning
	stay      int // accounts that are always on the tier's current version
}

// returning are the accounts that go back to one version.
type returning struct {
	VersionID controlplane.ID
	Number    int
	Accounts  int
}

// RevertPublication puts the accounts that a publication moved, and that are still where
// it put them, back on the versions that they were on before it. Who has moved alone or
// was on another tier since stays. Accounts that have the tier as the default are on its
// current version always: they are refused, or with force left out.
func (db *DB) RevertPublication(ctx context.Context, record audit.Record, force bool) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		p, err := publicationOf(ctx, tx, record)
		if err != nil {
			return err
		}
		if err := p.refuse(ctx, tx, force); err != nil {
			return err
		}
		reach, err := reachOfCohorts(ctx, tx, `select id from cohorts where tier_id = $1 and version_id = $2`, p.tier.ID, p.version.ID)
		if err != nil {
			return err
		}
		for i := range reach {
			reach[i].Leaving = true
		}
		if err := p.putBack(ctx, tx); err != nil {
			return err
		}
		note.addOf(p.entry(record), reach)
		return nil
	})
	return version, tierFault("revert a publication", err)
}

// PreviewPublicationRevert says what RevertPublication would do as things are, or fails
// as that would.
func (db *DB) PreviewPublicationRevert(ctx context.Context, record audit.Record) (text string, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		p, err := publicationOf(ctx, tx, record)
		if err != nil {
			return err
		}
		if err := p.refuse(ctx, tx, true); err != nil {
			return err
		}
		text = p.text()
		return nil
	})
	return text, tierFault("preview the revert of a publication", err)
}

// publicationOf returns that of a record, and who would go back.
func publicationOf(ctx context.Context, tx pgx.Tx, record audit.Record) (p publication, err error) {
	id, err := controlplane.KindVersion.Parse("seq", record.Object.ID)
	if err != nil {
		return p, err
	}
	found, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where id = $1 and exists (select from tiers where id = tier_id)`, id)
	if err != nil {
		return p, err
	}
	if len(found) == 0 {
		return p, controlplane.Conflict("seq", "the tier of this publication was deleted; revert that first")
	}
	p.version, p.at = found[0], record.At
	if p.tier, err = readTier(ctx, tx, p.version.TierID); err != nil {
		return p, err
	}
	err = tx.QueryRow(ctx, `
		select (select coalesce(min(version), 0) from cohort_versions where version_id = $1),
			(select count(*) from accounts where tier_id is null and (select default_tier_id from policy) = $2)`, id, p.tier.ID).Scan(&p.policy, &p.stay)
	if err != nil {
		return p, err
	}
	if p.policy == 0 {
		return p, controlplane.Conflict("seq", "it was made before it was noted where accounts had been; publish the earlier version again, and say what becomes of the accounts")
	}
	p.byVersion, err = list[returning](ctx, tx, `
		select b.back, v.number, count(*) from (`+accountsToReturn+`) b join tier_versions v on v.id = b.back group by 1, 2 order by 2 desc`, p.args()...)
	return p, err
}

// accountsToReturn are the accounts that were in the tier on another version before a
// publication, and are on what was published, and where they were. Not among them is who
// was moved alone, or was on another tier, since.
const accountsToReturn = `
	select a.id, y.version_id as back
	from cohorts now join accounts a on a.cohort_id = now.id
	cross join lateral (
		select cohort_id from account_cohorts where account_id = a.id and version < $3 order by version desc limit 1) was
	cross join lateral (
		select tier_id, version_id from cohort_versions where cohort_id = was.cohort_id and version < $3 order by version desc limit 1) y
	where now.tier_id = $1 and now.version_id = $2 and y.tier_id = $1 and y.version_id <> $2
		and not exists (select from account_moves m where m.account_id = a.id and m.tier_move_id is null and m.moved_at > $4)
		and not exists (
			select from account_cohorts s where s.account_id = a.id and s.version > $3
				and not exists (select from cohort_versions h where h.cohort_id = s.cohort_id and h.tier_id = $1))`

func (p *publication) args() []any {
	return []any{p.tier.ID, p.version.ID, p.policy, p.at}
}

// refuse says why the accounts can't go back now.
func (p *publication) refuse(ctx context.Context, tx pgx.Tx, force bool) error {
	if err := checkNoMove(ctx, tx, p.tier.ID); err != nil {
		return atSeq(err)
	}
	if len(p.byVersion) == 0 {
		return controlplane.Conflict("seq", "none of the accounts that it moved is still on version %d of %s as it put them there", p.version.Number, p.tier.Name)
	}
	if p.stay > 0 && !force {
		return controlplane.Conflict("seq", "%s", p.staying()+"; publish the earlier version again instead, or revert it with force, without them")
	}
	for _, b := range p.byVersion {
		versions, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where id = $1`, b.VersionID)
		if err != nil {
			return err
		}
		missing, err := goneTargets(ctx, tx, versions[0].Limits)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return controlplane.Conflict("seq", "nobody can go back to version %d: %s; revert that deletion first", b.Number, strings.Join(missing, ", and "))
		}
		if err := checkUses(ctx, tx, p.tier.ID, versions[0].Limits); err != nil {
			return atSeq(err)
		}
	}
	return nil
}

// atSeq makes what is at fault with a tier a conflict of a revert.
func atSeq(err error) error {
	if faults := controlplane.Faults(err); len(faults) > 0 {
		return controlplane.Conflict("seq", "the accounts can't go back: %s", faults[0].Message)
	}
	return err
}

// putBack puts the accounts into cohorts of the versions that they go back to. The head
// is that of the newest version, to which nobody goes back.
func (p *publication) putBack(ctx context.Context, tx pgx.Tx) error {
	versions, cohorts := make([]int64, len(p.byVersion)), make([]int64, len(p.byVersion))
	for i, b := range p.byVersion {
		found, err := listIDs(ctx, tx, `select id from cohorts where tier_id = $1 and version_id = $2 and not head order by id limit 1`, p.tier.ID, b.VersionID)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			if found, err = listIDs(ctx, tx, `insert into cohorts (tier_id, version_id, head) values ($1, $2, false) returning id`, p.tier.ID, b.VersionID); err != nil {
				return err
			}
		}
		versions[i], cohorts[i] = int64(b.VersionID), int64(found[0])
	}
	_, err := tx.Exec(ctx, `
		update accounts a set cohort_id = t.cohort from (`+accountsToReturn+`) b
		join unnest($5::bigint[], $6::bigint[]) as t (version, cohort) on t.version = b.back where a.id = b.id`, append(p.args(), versions, cohorts)...)
	if err != nil {
		return err
	}
	if err := dropEmpty(ctx, tx, p.tier.ID); err != nil {
		return err
	}
	return checkPlans(ctx, tx, "seq")
}

// entry is what the log has of it.
func (p *publication) entry(record audit.Record) audit.Entry {
	back := make([]audit.Returned, len(p.byVersion))
	for i, b := range p.byVersion {
		back[i] = audit.Returned{VersionID: b.VersionID, Number: b.Number, Accounts: b.Accounts}
	}
	return audit.PublicationReverted(p.version, p.tier.Name, record.Seq, back)
}

// text says what reverting does.
func (p *publication) text() string {
	all, parts := 0, make([]string, len(p.byVersion))
	for i, b := range p.byVersion {
		all += b.Accounts
		parts[i] = fmt.Sprintf("%d to version %d", b.Accounts, b.Number)
	}
	text := fmt.Sprintf("%s that it moved and that %s still on version %d %s back: %s. The current version of %s stays what it is.",
		countOf(all), ifOne(all, "is", "are"), p.version.Number, ifOne(all, "goes", "go"), strings.Join(parts, ", "), p.tier.Name)
	if p.stay > 0 {
		text += " With force only: " + p.staying() + "."
	}
	return text
}

// staying says who can't go back.
func (p *publication) staying() string {
	return fmt.Sprintf("%s without a tier of %s own %s always on the current version of %s, and %s there",
		countOf(p.stay), ifOne(p.stay, "its", "their"), ifOne(p.stay, "is", "are"), p.tier.Name, ifOne(p.stay, "stays", "stay"))
}

func countOf(n int) string { return fmt.Sprintf("%d %s", n, ifOne(n, "account", "accounts")) }

func ifOne(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
