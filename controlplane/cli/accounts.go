package cli

import (
	"context"
	"fmt"
	"strconv"

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
	Activate accountsActivate `cmd:"" help:"Let a suspended account's requests through again."`
	Reset    accountsReset    `cmd:"" help:"Reset all counters of an account, quotas too."`
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
		{"TIME ZONE", false, func(a client.Account) string { return a.TimeZone }},
		{"BILLING DAY", true, func(a client.Account) string { return strconv.Itoa(a.BillingDay) }},
	}
}

func accountName(a client.Account) string { return a.Name }

type accountsList struct {
	Remote
	Output
	Search string `help:"Only accounts whose name contains this."`
	Tier   string `help:"Only accounts on this tier; a name or an id."`
}

// Run lists accounts.
func (c accountsList) Run(ctx context.Context, t *Terminal) error {
	remote, err := c.connect()
	if err != nil {
		return err
	}
	tier, err := optional(ctx, remote, c.Tier, tierID)
	if err != nil {
		return err
	}
	var accounts []client.Account
	err = pages(func(after *string) (more bool, end *string, err error) {
		page, err := client.ListAccounts(ctx, remote, pageSize, after, some(c.Search), tier)
		if err != nil {
			return false, nil, err
		}
		accounts = append(accounts, page.Accounts.Nodes...)
		return page.Accounts.PageInfo.HasNextPage, page.Accounts.PageInfo.EndCursor, nil
	})
	if err != nil {
		return err
	}
	return write(t, c.Output, accounts, accountName, accountColumns()...)
}

type accountsGet struct{ oneAccount }

// Run shows an account.
func (c accountsGet) Run(ctx context.Context, t *Terminal) error {
	remote, err := c.connect()
	if err != nil {
		return err
	}
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
}

// Run creates an account.
func (c accountsCreate) Run(ctx context.Context, t *Terminal) error {
	remote, err := c.connect()
	if err != nil {
		return err
	}
	input := client.CreateAccountInput{Name: c.Name, TimeZone: c.TimeZone, BillingDay: c.BillingDay}
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
	Account     string  `arg:"" help:"Its name or its id."`
	Name        *string `help:"Another name."`
	Tier        string  `xor:"tier" help:"The tier to move it to; a name or an id."`
	DefaultTier *bool   `xor:"tier" help:"Put it on the default tier, whichever that is."`
	TimeZone    *string `help:"IANA time zone of its periods. One that runs keeps its boundaries."`
	BillingDay  *int    `help:"Day of the month on which its billing period begins."`
}

// Run changes an account.
func (c accountsUpdate) Run(ctx context.Context, t *Terminal) error {
	input := client.UpdateAccountInput{Name: c.Name, UseDefaultTier: c.DefaultTier, TimeZone: c.TimeZone, BillingDay: c.BillingDay}
	if c.Name == nil && c.Tier == "" && c.DefaultTier == nil && c.TimeZone == nil && c.BillingDay == nil {
		return wrongUsage("nothing is to be changed; give --name, --tier, --default-tier, --time-zone or --billing-day")
	}
	remote, err := c.connect()
	if err != nil {
		return err
	}
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
	Account string `arg:"" help:"Its name or its id."`
}

func (c oneAccount) setStatus(ctx context.Context, t *Terminal, status client.AccountStatus) error {
	remote, err := c.connect()
	if err != nil {
		return err
	}
	id, err := accountID(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	return updateAccount(ctx, t, remote, c.Output, client.UpdateAccountInput{Id: id, Status: &status})
}

type accountsSuspend struct{ oneAccount }

// Run suspends an account.
func (c accountsSuspend) Run(ctx context.Context, t *Terminal) error {
	return c.setStatus(ctx, t, client.AccountStatusSuspended)
}

type accountsActivate struct{ oneAccount }

// Run lets an account's requests through again.
func (c accountsActivate) Run(ctx context.Context, t *Terminal) error {
	return c.setStatus(ctx, t, client.AccountStatusActive)
}

type accountsReset struct {
	Remote
	Account string `arg:"" help:"Its name or its id."`
}

// Run resets an account's counters.
func (c accountsReset) Run(ctx context.Context, t *Terminal) error {
	remote, err := c.connect()
	if err != nil {
		return err
	}
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
	var found *client.Account
	err := pages(func(after *string) (bool, *string, error) {
		page, err := client.ListAccounts(ctx, remote, pageSize, after, &nameOrID, nil)
		if err != nil {
			return false, nil, err
		}
		for i, a := range page.Accounts.Nodes {
			if a.Name == nameOrID {
				found = &page.Accounts.Nodes[i]
			}
		}
		return found == nil && page.Accounts.PageInfo.HasNextPage, page.Accounts.PageInfo.EndCursor, nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("there is no account %q; weir accounts list shows all", nameOrID)
	}
	return found, err
}

func accountID(ctx context.Context, remote *client.Client, nameOrID string) (string, error) {
	account, err := findAccount(ctx, remote, nameOrID)
	if err != nil {
		return "", err
	}
	return account.Id, nil
}
