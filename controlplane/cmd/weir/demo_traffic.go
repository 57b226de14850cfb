package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/weirhq/weir/controlplane/demo"
)

type trafficCommand struct {
	Gateway string        `name:"gateway-addr" env:"WEIR_GATEWAY_ADDR" default:"127.0.0.1:10000" help:"Address of the gateway, on this machine."`
	For     time.Duration `name:"for" env:"WEIR_TRAFFIC_FOR" default:"60s" help:"How long; at most an hour."`
}

// Run sends the traffic and shows how it was answered.
func (c trafficCommand) Run(s signals) error {
	fmt.Printf("sending traffic to %s for %v; Ctrl-C ends it\n", c.Gateway, c.For)
	tally, err := demo.Drive(s.run, demo.Traffic{
		Gateway: "http://" + c.Gateway, For: c.For,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	})
	if err != nil {
		return err
	}
	fmt.Print(tally)
	if tally.Unanswered() {
		return fmt.Errorf("no request was answered; is a gateway running at %s? make run starts one", c.Gateway)
	}
	return nil
}
