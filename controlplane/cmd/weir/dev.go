package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/stack"
	"github.com/weirhq/weir/controlplane/secretenv"
)

type devCommand struct {
	Data    string `env:"WEIR_DATA" help:"Data directory; by default .weir in the checkout." type:"path"`
	Gateway string `name:"gateway-addr" env:"WEIR_GATEWAY_ADDR" default:"127.0.0.1:10000" help:"Where the gateway listens."`
	HTTP    string `name:"http-addr" env:"WEIR_HTTP_ADDR" default:"127.0.0.1:8080" help:"Where the dashboard and GraphQL listen."`
	Edge    string `name:"edge-addr" env:"WEIR_EDGE_ADDR" default:"127.0.0.1:8081" help:"Where Envoy reports."`
	Admin   string `name:"envoy-admin-addr" env:"WEIR_ENVOY_ADMIN_ADDR" default:"127.0.0.1:9901" help:"Where Envoy's admin pages are."`
	// Upstream is left empty for the demo's.
	Upstream string `name:"upstream" env:"WEIR_UPSTREAM" help:"host:port that the gateway protects; by default a demo that echoes requests."`
	Workers  int    `env:"WEIR_WORKERS" help:"Worker threads of Envoy; by default one a core."`
	Envoy    string `env:"ENVOY" help:"Envoy's binary; by default what make tools installed." type:"path"`
	Filter   string `env:"WEIR_FILTER" help:"The compiled filter; by default what make build made." type:"path"`

	openIDFlags
}

// Help adds what flags can't be.
func (devCommand) Help() string {
	return `To use services of your own, set these, or NAME_FILE to a file with the same:

  DATABASE_URL  Postgres, as postgres://user:password@host/database
  NATS_URL      NATS with JetStream

  WEIR_SECRET_KEY          what second steps' secrets are encrypted with, if anything
  WEIR_OIDC_CLIENT_SECRET  what Weir shows the OpenID provider, if there is one`
}

// Run runs the stack until it is told to stop or a part of it ends.
func (c devCommand) Run(s signals) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	config.Progress = func(what string, took time.Duration) {
		if took > 50*time.Millisecond {
			fmt.Printf("%s … %.1f s\n", what, took.Seconds())
		}
	}
	weir, err := stack.Start(s.run, config)
	if err != nil {
		if s.run.Err() != nil {
			return errors.New("stopped before it was ready")
		}
		return err
	}
	runErr := c.announce(s.run, weir)
	if runErr == nil {
		select {
		case <-s.run.Done():
			fmt.Println("\nstopping; press Ctrl-C again to stop at once")
		case runErr = <-weir.Failed():
		}
	}
	stopping, cancel := context.WithTimeout(s.stop, closeWithin*2)
	defer cancel()
	stopErr := weir.Stop(stopping)
	if runErr != nil {
		// What went wrong afterwards follows from it.
		return runErr
	}
	if stopErr == nil {
		fmt.Println("stopped; everything is kept in", config.DataDir)
	}
	return stopErr
}

func (c devCommand) config() (stack.Config, error) {
	config := stack.Config{
		DataDir: c.Data, Envoy: c.Envoy, Filter: c.Filter, Upstream: c.Upstream,
		Gateway: c.Gateway, HTTP: c.HTTP, Edge: c.Edge, Admin: c.Admin, Workers: c.Workers,
	}
	var err error
	config.PasswordOff = c.PasswordOff
	if config.OpenID, err = c.openID(); err != nil {
		return config, err
	}
	if config.Secrets, err = secretKeys(); err != nil {
		return config, err
	}
	if config.DatabaseURL, err = secretenv.Read("DATABASE_URL"); err != nil {
		return config, err
	}
	if config.NATSURL, err = secretenv.Read("NATS_URL"); err != nil {
		return config, err
	}
	top, err := checkout.Find(".")
	if err != nil {
		return config, err
	}
	config.PostgresBin = top.PostgresBin()
	if config.DataDir == "" {
		config.DataDir = top.State()
	}
	if config.Envoy == "" {
		config.Envoy = top.Envoy()
	}
	if config.Filter == "" {
		config.Filter = top.Filter()
	}
	return config, nil
}

const readyBlock = `
  sign in     %s
              good once; %s sign-in-link prints another
  GraphQL     http://%s/graphql, and GraphiQL at http://%[3]s/graphiql
  API token   %s
              kept in %s
  try         curl -i -H 'x-api-key: %s' http://%s/hello
              make demo-traffic
  logs        %s
  stop        Ctrl-C

Weir is ready: gateway http://%[7]s, dashboard http://%[3]s, edge %[9]s, Envoy admin http://%[10]s
`

func (c devCommand) announce(ctx context.Context, weir *stack.Stack) error {
	link, err := weir.SignInLink(ctx)
	if err != nil {
		return fmt.Errorf("make a sign-in link: %w", err)
	}
	fmt.Printf(readyBlock, link, os.Args[0], c.HTTP, weir.APIToken(), short(weir.APITokenFile()), demo.BasicKey, c.Gateway, short(weir.Logs()), c.Edge, c.Admin)
	return nil
}

// short writes a path as seen from here, where that is shorter.
func short(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	relative, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(relative, "..") {
		return path
	}
	return relative
}
