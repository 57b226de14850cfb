package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

// Exit codes.
const (
	exitFault      = 1
	exitUsage      = 2
	exitDifference = 3
)

// Commands are those that use the API and nothing else; Keys and Audit are apart, as
// they stand beside others in the weir command.
type Commands struct {
	Accounts  Accounts       `cmd:"" help:"List, create and change accounts."`
	Tiers     Tiers          `cmd:"" help:"List tiers and their limits."`
	Endpoints Endpoints      `cmd:"" help:"List endpoints, and make those that traffic suggests."`
	Pilot     Pilot          `cmd:"" help:"Try other limits on some of a tier's accounts."`
	Usage     usageCommand   `cmd:"" help:"Show usage, split and summed as asked."`
	Export    exportCommand  `cmd:"" help:"Write usage as CSV, NDJSON or Parquet, any number of rows."`
	Import    importCommand  `cmd:"" help:"Add usage that was counted elsewhere."`
	Plan      planCommand    `cmd:"" aliases:"diff" help:"Show what weir apply would change."`
	Apply     applyCommand   `cmd:"" help:"Make the policy what files say."`
	Dump      dumpCommand    `cmd:"" help:"Write the policy as a file for weir apply."`
	Schema    schemaCommand  `cmd:"" help:"Write the JSON schema of such files."`
	Rollout   rolloutCommand `cmd:"" help:"Show which Envoys run the newest policy, or wait until all do."`
	Login     loginCommand   `cmd:"" help:"Store a control plane's URL and an API token for later commands."`
	Logout    logoutCommand  `cmd:"" help:"Forget them."`

	Completion kongcompletion.Completion `cmd:"" help:"Write what makes bash, zsh or fish complete these commands."`
}

// errDifferent ends a command that was asked whether there are differences, and found some.
var errDifferent = errors.New("there are differences")

// usageError is a command line that can't be meant.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func wrongUsage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// Run parses arguments for the commands of model, runs the one that is meant, and
// returns the exit code. More are values that commands may have as parameters of Run.
func Run(ctx context.Context, model any, args []string, t *Terminal, more ...any) int {
	exit := -1
	options := []kong.Option{
		kong.Name("weir"), kong.Description("Weir limits and meters the requests that pass Envoy."),
		kong.Writers(t.Out, t.Err), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(append(more, t)...), kong.Vars{"default_url": defaultURL},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}
	parser, err := kong.New(model, options...)
	if err != nil {
		fmt.Fprintln(t.Err, "weir:", err)
		return exitFault
	}
	kongcompletion.Register(parser) // answers a shell that asks, and ends
	if exit >= 0 {
		return exit
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit // it was asked for help
	}
	if err != nil {
		var at *kong.ParseError
		if errors.As(err, &at) {
			parsed = at.Context
		}
		fmt.Fprintf(t.Err, "weir: %v\nSee %s.\n", err, helpFor(parsed))
		return exitUsage
	}
	t.typed = typed(parsed)
	if err := parsed.Run(); err != nil || exit < 0 {
		return exitCode(t, err)
	}
	return exit
}

func helpFor(parsed *kong.Context) string {
	words := []string{"weir"}
	if parsed != nil {
		for _, step := range parsed.Path {
			if step.Command != nil {
				words = append(words, step.Command.Name)
			}
		}
	}
	return strings.Join(append(words, "--help"), " ")
}

func exitCode(t *Terminal, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDifferent):
		return exitDifference
	}
	fmt.Fprintln(t.Err, "weir:", strings.ReplaceAll(printable(err.Error(), '\n'), "\n", "\nweir: "))
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFault
}
