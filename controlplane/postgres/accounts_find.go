package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// AccountPage is one page of accounts.
type AccountPage struct {
	Accounts []controlplane.Account
	More     bool // whether there are accounts after these
	Total    int  // how many the filter finds on all pages
}

// Accounts returns the accounts that filter finds, in an order, the first ones
// after the given one (0: from the beginning), which is to exist.
func (db *DB) Accounts(ctx context.Context, filter controlplane.AccountFilter, order controlplane.AccountOrder, after controlplane.ID, first int) (AccountPage, error) {
	var page AccountPage
	var c conditions
	c.filter(filter)
	known := false
	count := `select count(*), ` + c.arg(after) + `::bigint = 0 or exists (select from accounts where id = ` + c.arg(after) + `) from accounts` + c.where()
	if err := db.pool.QueryRow(ctx, count, c.args...).Scan(&page.Total, &known); err != nil {
		return page, fmt.Errorf("count accounts: %w", err)
	}
	if !known {
		return page, controlplane.NotFound("after", "account")
	}
	by := orderOf(order)
	c = conditions{}
	c.filter(filter)
	if after != 0 {
		c.add(`(` + by.expression + `, id) ` + by.beyond + ` (select ` + by.expression + `, id from accounts where id = ` + c.arg(after) + `)`)
	}
	var err error
	page.Accounts, err = listAccounts(ctx, db.pool, c.where()+` order by `+by.sql()+` limit `+c.arg(first+1), c.args...)
	if err != nil {
		return page, fmt.Errorf("list accounts: %w", err)
	}
	if len(page.Accounts) > first {
		page.Accounts, page.More = page.Accounts[:first], true
	}
	return page, nil
}

type accountOrder struct{ expression, direction, beyond string }

func (o accountOrder) sql() string {
	return o.expression + o.direction + `, id` + o.direction
}

func orderOf(order controlplane.AccountOrder) accountOrder {
	expression := map[controlplane.AccountOrderBy]string{
		controlplane.ByCreation: `created_at`, controlplane.ByTrialEnd: `coalesce(trial_ends_at, 'infinity')`,
	}[order.By]
	if expression == "" {
		expression = `name`
	}
	if order.Descending {
		return accountOrder{expression, ` desc`, `<`}
	}
	return accountOrder{expression, ``, `>`}
}

// conditions are what rows have to fulfil, with the arguments of a statement.
type conditions struct {
	sql  []string
	args []any
}

func (c *conditions) add(sql string) { c.sql = append(c.sql, sql) }

// arg adds an argument, and returns what stands for it.
func (c *conditions) arg(v any) string {
	c.args = append(c.args, v)
	return fmt.Sprint("$", len(c.args))
}

func (c *conditions) where() string {
	if len(c.sql) == 0 {
		return ""
	}
	return ` where ` + strings.Join(c.sql, ` and `)
}

// filter adds what a filter asks of accounts.
func (c *conditions) filter(f controlplane.AccountFilter) {
	for _, word := range f.Words() {
		c.word(word)
	}
	if f.TierID != 0 {
		tier := c.arg(f.TierID)
		c.add(`(tier_id = ` + tier + ` or tier_id is null and (select default_tier_id from policy) = ` + tier + `)`)
	}
	if len(f.Statuses) > 0 {
		c.add(`status = any(` + c.arg(texts(f.Statuses)) + `)`)
	}
	for _, l := range f.Labels {
		if l.Value == nil {
			c.add(`labels ? ` + c.arg(l.Key))
		} else {
			c.add(`labels @> jsonb_build_object(` + c.arg(l.Key) + `::text, ` + c.arg(*l.Value) + `::text)`)
		}
	}
	if f.TrialEndsBefore != nil {
		c.add(`trial_ends_at < ` + c.arg(*f.TrialEndsBefore))
	}
	if f.Names != nil {
		c.add(`name = any(` + c.arg(f.Names) + `)`)
	}
	if f.IDs != nil {
		c.add(`id = any(` + c.arg(toInt64s(f.IDs)) + `)`)
	}
}

// prefixLength is how much of a key is stored as it is.
const prefixLength = 12

// word asks for a word. Each way of finding it has an index of its own, so they are
// put together as a union.
func (c *conditions) word(word string) {
	part := c.arg("%" + likeEscaper.Replace(word) + "%")
	ways := []string{
		`select id from accounts where search like folded(` + part + `)`,
		`select account_id from identities where folded(value) like folded(` + part + `)`,
	}
	beginning := strings.ToLower(word)
	if runes := []rune(beginning); len(runes) > prefixLength {
		beginning = string(runes[:prefixLength])
	}
	ways = append(ways, `select account_id from keys where lower(prefix) like `+c.arg(likeEscaper.Replace(beginning)+"%"))
	if id, err := controlplane.KindAccount.Parse("", beginning); err == nil {
		ways = append(ways, c.arg(id)+`::bigint`)
		ways[len(ways)-1] = `select ` + ways[len(ways)-1]
	}
	c.add(`id in (` + strings.Join(ways, ` union all `) + `)`)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
