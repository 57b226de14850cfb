package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/client"
)

// Keys are the commands for API keys.
type Keys struct {
	List   keysList   `cmd:"" help:"List an account's keys, newest first."`
	Create keysCreate `cmd:"" help:"Create a key; its secret goes to standard output, once."`
	Rotate keysRotate `cmd:"" help:"Put a new key in the place of one; its secret goes to standard output, once."`
	Revoke keysRevoke `cmd:"" help:"Revoke a key for good."`
}

func keyColumns() []column[client.Key] {
	return []column[client.Key]{
		{"ID", false, keyID},
		{"NAME", false, func(k client.Key) string { return k.Name }},
		{"PREFIX", false, func(k client.Key) string { return k.Prefix }},
		{"ENVIRONMENT", false, func(k client.Key) string { return string(k.Environment) }},
		{"STATUS", false, func(k client.Key) string { return string(k.Status) }},
		{"LAST USED", false, func(k client.Key) string { return at(k.LastUsedAt) }},
		{"EXPIRES", false, func(k client.Key) string { return at(k.ExpiresAt) }},
	}
}

func keyID(k client.Key) string { return k.Id }

type keysList struct {
	Remote
	Output
	Account string `arg:"" field:"id" help:"Whose; a name or an id."`
}

// Run lists keys.
func (c keysList) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	keys, err := keysOf(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	return write(t, c.Output, keys, keyID, keyColumns()...)
}

func keysOf(ctx context.Context, remote *client.Client, account string) ([]client.Key, error) {
	id, err := accountID(ctx, remote, account)
	if err != nil {
		return nil, err
	}
	return gather(func(after *string) ([]client.Key, client.PageInfo, error) {
		page, err := client.ListKeys(ctx, remote, id, pageSize, after)
		switch {
		case err != nil:
			return nil, client.PageInfo{}, err
		case page.Account == nil:
			return nil, client.PageInfo{}, fmt.Errorf("there is no account %q any more", account)
		}
		return page.Account.Keys.Nodes, page.Account.Keys.PageInfo, nil
	})
}

// ofAccount is which key is meant.
type ofAccount struct {
	Key     string `arg:"" field:"id" help:"Its id, or with --account its name or prefix."`
	Account string `help:"Whose it is; a name or an id."`
}

func (o ofAccount) find(ctx context.Context, remote *client.Client) (string, error) {
	if _, err := controlplane.KindKey.Parse("", o.Key); err == nil {
		return o.Key, nil
	}
	if o.Account == "" {
		return "", wrongUsage("%q is no key's id such as key_7; to name a key otherwise, give its --account", o.Key)
	}
	keys, err := keysOf(ctx, remote, o.Account)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, k := range keys {
		if (k.Name == o.Key || k.Prefix == o.Key) && k.RevokedAt == nil {
			ids = append(ids, k.Id)
		}
	}
	switch len(ids) {
	case 0:
		return "", fmt.Errorf("account %s has no key %q that is not revoked; weir keys list shows all", o.Account, o.Key)
	case 1:
		return ids[0], nil
	}
	return "", fmt.Errorf("account %s has several keys %q: %s; give the id", o.Account, o.Key, strings.Join(ids, ", "))
}

type keysCreate struct {
	Remote
	Account   string     `arg:"" help:"Whom it identifies; a name or an id."`
	Name      string     `arg:"" help:"What it is for; 1 to 64 characters."`
	Sandbox   bool       `field:"environment" help:"For trying things out; the upstream is told."`
	ReadsOnly bool       `help:"Only GET, HEAD and OPTIONS."`
	Endpoint  []string   `sep:"none" field:"scope,scope.groupIds" help:"Only this endpoint, such as \"GET /v1/users/{id}\". May be given again."`
	Expires   *time.Time `field:"expiresAt" placeholder:"TIME" help:"When it stops working by itself, in RFC 3339."`
}

// Help says where the secret goes.
func (keysCreate) Help() string { return secretHelp }

const secretHelp = "Standard output has the secret and nothing else; what else there is to say goes to standard error. It can't be shown again."

// Run creates a key.
func (c keysCreate) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	var err error
	input := client.CreateKeyInput{Name: c.Name, ExpiresAt: c.Expires, Environment: client.KeyEnvironmentLive}
	if input.AccountId, err = accountID(ctx, remote, c.Account); err != nil {
		return err
	}
	if c.Sandbox {
		input.Environment = client.KeyEnvironmentSandbox
	}
	endpoints, err := all(ctx, remote, c.Endpoint, endpointID)
	if err != nil {
		return err
	}
	if c.ReadsOnly || len(endpoints) > 0 {
		input.Scope = &client.KeyScopeInput{ReadsOnly: c.ReadsOnly, EndpointIds: append([]string{}, endpoints...), GroupIds: []string{}}
	}
	made, err := client.CreateKey(ctx, remote, input)
	if err != nil {
		return err
	}
	return writeSecret(t, made.CreateKey.Secret, "%s %q is made", made.CreateKey.Key.Id, made.CreateKey.Key.Name)
}

// writeSecret writes a secret to standard output, and a line about it to standard error.
func writeSecret(t *Terminal, secret, format string, args ...any) error {
	if _, err := fmt.Fprintln(t.Out, secret); err != nil {
		return fmt.Errorf("write the secret: %w; revoke the key, nobody has its secret", err)
	}
	fmt.Fprintln(t.Err, printable(fmt.Sprintf(format, args...)))
	return nil
}

type keysRotate struct {
	Remote
	ofAccount
	Overlap time.Duration `default:"24h" field:"overlapSeconds" help:"For how long the old key goes on, 90 days at most."`
	Expires *time.Time    `field:"expiresAt" placeholder:"TIME" help:"When the new key stops working by itself, in RFC 3339."`
}

// Help says where the secret goes.
func (keysRotate) Help() string { return secretHelp }

// Run rotates a key.
func (c keysRotate) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	id, err := c.find(ctx, remote)
	if err != nil {
		return err
	}
	made, err := client.RotateKey(ctx, remote, client.RotateKeyInput{Id: id, OverlapSeconds: int(c.Overlap.Seconds()), ExpiresAt: c.Expires})
	if err != nil {
		return err
	}
	key, old := made.RotateKey.Key, made.RotateKey.Replaced
	return writeSecret(t, made.RotateKey.Secret, "%s takes the place of %s, which goes on until %s", key.Id, old.Id, at(old.ExpiresAt))
}

type keysRevoke struct {
	Remote
	ofAccount
}

// Run revokes a key.
func (c keysRevoke) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	id, err := c.find(ctx, remote)
	if err != nil {
		return err
	}
	done, err := client.RevokeKey(ctx, remote, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "%s %q is revoked with snapshot %d\n", id, printable(done.RevokeKey.Key.Name), done.RevokeKey.Snapshot)
	return nil
}
