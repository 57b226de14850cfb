package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/client"
)

// Accounts are the commands for accounts.
type Accounts struct {
	List     accountsList     `cmd:"" help:"List accounts by name."`
	Get      accountsGet      `cmd:"" help:"Show one account."`
	Create   accountsCreate   `cmd:"" help:"Create an account."`
	Update   accountsUpdate   `cmd:"" help:"Change an account; what isn't given stays."`
	Suspend  accountsSuspend  `cmd:"" help:"Refuse all requests of an account with 403."`
	Activate accountsActivate `cmd:"" help:"Let the requests of an account that is suspended or on trial through."`
	Close    accountsClose    `cmd:"" help:"Refuse all requests of an account and revoke its keys, for good. Its usage stays."`
	Reset    accountsReset    `cmd:"" help:"Reset all counters of an account, quotas too."`
	Move     accountsMove     `cmd:"" help:"Put an account on the current version of a tier, now or at the end of its billing period."`
	Stay     accountsStay     `cmd:"" help:"Take back a move of an account that is to come."`
}

func accountColumns() []column[client.Account] {
	return []column[client.Account]{
		{"ID", false, func(a client.Account) string { return a.Id }},
		{"NAME", false, func(a client.Account) string { return a.Name }},
		{"TIER", false, func(a client.Account) string {
			if a.OnDefaultTier {
				return a.Tier.Name + " (default)"
			}
			return a.Tier.Name
		}},
		{"STATUS", false, func(a client.Account) string { return string(a.Status) }},
		{"LABELS", false, func(a client.Account) string {
			var labels []string
			for _, l := range a.Labels {
				labels = append(labels, l.Key+"="+l.Value)
			}
			return orDash(strings.Join(labels, ","))
		}},
		{"TIME ZONE", false, func(a client.Account) string { return a.TimeZone }},
		{"BILLING DAY", true, func(a client.Account) string { return strconv.Itoa(a.BillingDay) }},
	}
}

func accountName(a client.Account) string { return a.Name }

type accountsList struct {
	Remote
	Output
	Search string   `field:"text" help:"Only accounts that have all of these words in name, labels, identities or keys."`
	Tier   string   `help:"Only accounts on this tier; a name or an id."`
	Status []string `enum:"trial,active,suspended,closed" help:"Only accounts with this status; several with commas."`
	Label  []string `sep:"none" placeholder:"KEY[=VALUE]" help:"Only accounts with this label. May be given again."`
}

// Run lists accounts.
func (c accountsList) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	var err error
	filter := client.AccountFilter{Text: some(c.Search)}
	if filter.TierId, err = optional(ctx, remote, c.Tier, tierID); err != nil {
		return err
	}
	for _, status := range c.Status {
		filter.Statuses = append(filter.Statuses, client.AccountStatus(strings.ToUpper(status)))
	}
	for _, label := range c.Label {
		key, value, given := strings.Cut(label, "=")
		l := client.LabelFilter{Key: key}
		if given {
			l.Value = &value
		}
		filter.Labels = append(filter.Labels, l)
	}
	accounts, err := allAccounts(ctx, remote, filter)
	if err != nil {
		return err
	}
	return write(t, c.Output, accounts, accountName, accountColumns()...)
}

type accountsGet struct{ oneAccount }

// Run shows an account.
func (c accountsGet) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	account, err := findAccount(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	return writeOne(t, c.Output, *account, accountName, accountColumns()...)
}

type accountsCreate struct {
	Remote
	Output
	Name       string `arg:"" help:"Unique, 1 to 128 characters."`
	Tier       string `help:"The tier to put it on, a name or an id; by default the default one."`
	TimeZone   string `default:"UTC" help:"IANA time zone of its periods, such as Europe/Berlin."`
	BillingDay int    `default:"1" help:"Day of the month on which its billing period begins."`

	Label map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"A label. May be given again."`
}

// Run creates an account.
func (c accountsCreate) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	var err error
	input := client.CreateAccountInput{Name: c.Name, TimeZone: c.TimeZone, BillingDay: c.BillingDay, Labels: labelsOf(c.Label)}
	if input.TierId, err = optional(ctx, remote, c.Tier, tierID); err != nil {
		return err
	}
	made, err := client.CreateAccount(ctx, remote, input)
	if err != nil {
		return err
	}
	return writeOne(t, c.Output, made.CreateAccount.Account, accountName, accountColumns()...)
}

type accountsUpdate struct {
	Remote
	Output
	Account     string  `arg:"" field:"id,revision" help:"Its name or its id."`
	Name        *string `help:"Another name."`
	Tier        string  `xor:"tier" help:"The tier to move it to; a name or an id."`
	DefaultTier *bool   `xor:"tier" field:"useDefaultTier" help:"Put it on the default tier, whichever that is."`
	TimeZone    *string `help:"IANA time zone of its periods. One that runs keeps its boundaries."`
	BillingDay  *int    `help:"Day of the month on which its billing period begins."`

	Label    map[string]string `mapsep:"none" xor:"label" placeholder:"KEY=VALUE" help:"All of its labels, in place of those that it has. May be given again."`
	NoLabels bool              `xor:"label" field:"labels" help:"Take all of its labels away."`
}

// Run changes an account.
func (c accountsUpdate) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	input := client.UpdateAccountInput{Name: c.Name, UseDefaultTier: c.DefaultTier, TimeZone: c.TimeZone, BillingDay: c.BillingDay, Labels: labelsOf(c.Label)}
	if c.NoLabels {
		input.Labels = []client.LabelInput{}
	}
	if c.Name == nil && c.Tier == "" && c.DefaultTier == nil && c.TimeZone == nil && c.BillingDay == nil && input.Labels == nil {
		return wrongUsage("nothing is to be changed; give --name, --tier, --default-tier, --time-zone, --billing-day, --label or --no-labels")
	}
	var err error
	if input.Id, err = accountID(ctx, remote, c.Account); err != nil {
		return err
	}
	if input.TierId, err = optional(ctx, remote, c.Tier, tierID); err != nil {
		return err
	}
	return updateAccount(ctx, t, remote, c.Output, input)
}

func updateAccount(ctx context.Context, t *Terminal, remote *client.Client, o Output, input client.UpdateAccountInput) error {
	made, err := client.UpdateAccount(ctx, remote, input)
	if err != nil {
		return err
	}
	return writeOne(t, o, made.UpdateAccount.Account, accountName, accountColumns()...)
}

// oneAccount is a command about one account.
type oneAccount struct {
	Remote
	Output
	Account string `arg:"" field:"id,status" help:"Its name or its id."`
}

func (c oneAccount) setStatus(ctx context.Context, t *Terminal, remote *client.Client, status client.AccountStatus) error {
	id, err := accountID(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	return updateAccount(ctx, t, remote, c.Output, client.UpdateAccountInput{Id: id, Status: &status})
}

type accountsSuspend struct{ oneAccount }

// Run suspends an account.
func (c accountsSuspend) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	return c.setStatus(ctx, t, remote, client.AccountStatusSuspended)
}

type accountsActivate struct{ oneAccount }

// Run lets an account's requests through again.
func (c accountsActivate) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	return c.setStatus(ctx, t, remote, client.AccountStatusActive)
}

type accountsClose struct {
	oneAccount
	Yes bool `short:"y" help:"Don't ask."`
}

// Run closes an account.
func (c accountsClose) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	if err := t.confirm(c.Yes, "Close account "+c.Account+" and revoke all of its keys, for good?"); err != nil {
		return err
	}
	return c.setStatus(ctx, t, remote, client.AccountStatusClosed)
}

type accountsReset struct {
	Remote
	Account string `arg:"" field:"id" help:"Its name or its id."`
}

// Run resets an account's counters.
func (c accountsReset) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	id, err := accountID(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	done, err := client.ResetAccount(ctx, remote, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "the counters of %s are reset with snapshot %d\n", printable(done.ResetAccount.Account.Name), done.ResetAccount.Snapshot)
	return nil
}

// labelsOf is nil for none.
func labelsOf(labels map[string]string) (inputs []client.LabelInput) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		inputs = append(inputs, client.LabelInput{Key: key, Value: labels[key]})
	}
	return inputs
}

// findAccount returns the account that has an id or a name.
func findAccount(ctx context.Context, remote *client.Client, nameOrID string) (*client.Account, error) {
	if _, err := controlplane.KindAccount.Parse("", nameOrID); err == nil {
		got, err := client.GetAccount(ctx, remote, nameOrID)
		if err != nil {
			return nil, err
		}
		if got.Account != nil {
			return got.Account, nil
		}
		return nil, fmt.Errorf("there is no account %s", nameOrID)
	}
	page, err := client.ListAccounts(ctx, remote, 1, nil, &client.AccountFilter{Names: []string{nameOrID}})
	if err != nil {
		return nil, err
	}
	if found := page.Accounts.Nodes; len(found) == 1 {
		return &found[0], nil
	}
	return nil, fmt.Errorf("there is no account %q; weir accounts list shows all", nameOrID)
}

func allAccounts(ctx context.Context, remote *client.Client, filter client.AccountFilter) ([]client.Account, error) {
	return gather(func(after *string) ([]client.Account, client.PageInfo, error) {
		page, err := client.ListAccounts(ctx, remote, pageSize, after, &filter)
		return page.Accounts.Nodes, page.Accounts.PageInfo, err
	})
}

func accountID(ctx context.Context, remote *client.Client, nameOrID string) (string, error) {
	account, err := findAccount(ctx, remote, nameOrID)
	if err != nil {
		return "", err
	}
	return account.Id, nil
}
