package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/declare"
)

// Files are the policy in files.
type Files struct {
	File     []string `short:"f" name:"file" required:"" sep:"none" placeholder:"FILE" help:"YAML: a file, a directory with .yaml and .yml files, or - for standard input. May be given again."`
	Prune    bool     `help:"Also delete what bears the files' metadata.manager and isn't in them any more."`
	TakeOver bool     `help:"Mark with the files' manager what is in the files of another."`
}

func (f Files) read(t *Terminal) (*declare.Document, error) {
	var files []declare.File
	for _, name := range f.File {
		if name == "-" {
			content, err := io.ReadAll(io.LimitReader(t.In, declare.MaxFileBytes+1))
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			files = append(files, declare.File{Name: "-", Content: content})
			continue
		}
		paths, err := yamlFiles(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("read the policy: %w", err)
			}
			files = append(files, declare.File{Name: path, Content: content})
		}
	}
	return declare.Parse(files)
}

func yamlFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name) // in the order of names
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if ending := filepath.Ext(e.Name()); !e.IsDir() && (ending == ".yaml" || ending == ".yml") {
			paths = append(paths, filepath.Join(name, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("directory %s has no .yaml or .yml file", name)
	}
	return paths, nil
}

// plan makes a plan for what is there now. Of the accounts it reads those that the files
// name, for it neither changes nor deletes others.
func (f Files) plan(ctx context.Context, t *Terminal, remote *client.Client, d *declare.Document) (*declare.State, *declare.Plan, error) {
	names := make([]string, len(d.Accounts))
	for i, a := range d.Accounts {
		names[i] = a.Name
	}
	state, err := readState(ctx, remote, declaredAccounts{names: names})
	if err != nil {
		return nil, nil, err
	}
	plan, err := declare.Make(state, d, declare.Options{Prune: f.Prune, TakeOver: f.TakeOver, Now: t.Now()})
	return state, plan, err
}

type planCommand struct {
	Remote
	Files
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Help says how the plan can be held to.
func (planCommand) Help() string {
	return "Ends with status 3 when there is something to change, and 0 when there is nothing. To apply just this plan later, give its name to weir apply --plan."
}

// Run shows what would change.
func (c planCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	d, err := c.read(t)
	if err != nil {
		return err
	}
	_, plan, err := c.plan(ctx, t, remote, d)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		err = writeJSON(t.Out, plan, "  ")
	} else {
		_, err = io.WriteString(t.Out, plan.Print(t.paint))
	}
	if err == nil && len(plan.Changes) > 0 {
		return errDifferent
	}
	return err
}

// paint colours a line by its sign.
func (t *Terminal) paint(sign byte, line string) string {
	color, ok := map[byte]string{'+': "32", '~': "33", '-': "31"}[sign]
	if !t.Color || !ok {
		return line
	}
	return "\x1b[" + color + "m" + line + "\x1b[0m"
}

type applyCommand struct {
	Remote
	Files
	Yes  bool   `short:"y" help:"Don't ask."`
	Plan string `placeholder:"ID" help:"Stop unless the plan is this one, as weir plan named it."`
}

// Run makes what the files say.
func (c applyCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	d, err := c.read(t)
	if err != nil {
		return err
	}
	state, plan, err := c.plan(ctx, t, remote, d)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(t.Out, plan.Print(t.paint)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if c.Plan != "" && c.Plan != plan.ID {
		return fmt.Errorf("this is not plan %s: files or policy have changed since; look at it anew with weir plan", c.Plan)
	}
	if len(plan.Changes) == 0 {
		return nil
	}
	asked := !c.Yes && c.Plan == ""
	if err := t.confirm(!asked, "\nMake these changes?"); err != nil {
		return err
	}
	if asked { // that may have taken long
		var now *declare.Plan
		if state, now, err = c.plan(ctx, t, remote, d); err != nil {
			return err
		}
		if now.ID != plan.ID {
			return errors.New("the policy has changed since this plan was made; run weir apply anew")
		}
	}
	return c.apply(ctx, t, remote, state, plan)
}

func (c applyCommand) apply(ctx context.Context, t *Terminal, remote *client.Client, state *declare.State, plan *declare.Plan) error {
	changer := newChanger(remote, state)
	defaultTier := state.Document.Defaults.Tier
	for i := range plan.Changes {
		change := &plan.Changes[i]
		if t.Interactive {
			fmt.Fprintf(t.Err, "\r\x1b[K%d of %d: %s %s", i+1, len(plan.Changes), change.Kind, printable(change.Name))
		}
		if err := changer.make(ctx, change, defaultTier); err != nil {
			what := strings.TrimSpace(fmt.Sprintf("%s %s %s", strings.ToLower(string(change.Action)), change.Kind, change.Name))
			return fmt.Errorf("%s: %w\nmade %d of %s; after you have seen to this, weir apply makes the rest", what, err, i, Counted(len(plan.Changes), "change"))
		}
		if d, ok := change.Is.(*declare.Defaults); ok {
			defaultTier = d.Tier
		}
	}
	if t.Interactive {
		fmt.Fprint(t.Err, "\r\x1b[K")
	}
	fmt.Fprintf(t.Err, "made %s\n", Counted(len(plan.Changes), "change"))
	return nil
}

type dumpCommand struct {
	Remote
	Accounts bool   `help:"Accounts too, with their labels, overrides and identities."`
	Manager  string `placeholder:"NAME" help:"The metadata.manager to write."`
}

// Run writes the policy as a file.
func (c dumpCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	state, err := readState(ctx, remote, declaredAccounts{all: c.Accounts})
	if err != nil {
		return err
	}
	encoder := yaml.NewEncoder(t.Out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(state.Dump(c.Manager, c.Accounts)), encoder.Close()); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return nil
}

type schemaCommand struct{}

// Help says what to do with it.
func (schemaCommand) Help() string {
	return "Editors check and complete files by it, with a first line such as: # yaml-language-server: $schema=weir.schema.json"
}

// Run writes the JSON schema.
func (schemaCommand) Run(t *Terminal) error {
	text, err := declare.Schema()
	if err != nil {
		return err
	}
	if _, err := t.Out.Write(text); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
