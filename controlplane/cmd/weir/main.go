// Command weir runs the control plane, or all of Weir on one machine.
//
// Settings are flags or environment variables; weir COMMAND --help lists them.
// Secrets are not flags, because other users of the machine can read those: they
// come from an environment variable, or from the file that the variable with
// _FILE at its end names.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/cli"
)

type commands struct {
	cli.Commands
	Dev         devCommand        `cmd:"" help:"Run everything on this machine: Postgres, JetStream, control plane, Envoy and a demo."`
	Serve       serveCommand      `cmd:"" help:"Run the control plane."`
	DemoTraffic trafficCommand    `cmd:"" help:"Send lively traffic through the gateway on this machine."`
	Migrate     migrateCommand    `cmd:"" help:"Bring the database up to date, and give roles what they need of it."`
	Backup      backupCommand     `cmd:"" help:"Write all of the database into a file."`
	Restore     restoreCommand    `cmd:"" help:"Fill an empty database from such a file."`
	SignInLink  signInLinkCommand `cmd:"" help:"Print a new one-time link to the dashboard."`
	Audit       auditCommand      `cmd:"" help:"List, verify or export the audit log."`
	Keys        keysCommand       `cmd:"" help:"List, create, rotate and revoke API keys; find leaked ones."`
}

func main() {
	s := interruptible()
	os.Exit(cli.Run(s.run, &commands{}, os.Args[1:], cli.Standard(), s))
}

// forceWithin is how long a stop may take after the second Ctrl-C.
const forceWithin = 3 * time.Second

// signals are two contexts that Ctrl-C, or SIGTERM, ends one after the other.
type signals struct {
	run  context.Context // ended by the first: stop in order
	stop context.Context // ended by the second: stop at once
}

func interruptible() signals {
	run, endRun := context.WithCancel(context.Background())
	stop, endStop := context.WithCancel(context.Background())
	came := make(chan os.Signal, 2)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-came
		endRun()
		<-came
		endStop()
		// Children die with this process, so this leaves nothing behind.
		time.AfterFunc(forceWithin, func() { os.Exit(130) })
	}()
	return signals{run, stop}
}
