package faults

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play the schedule of this seed only")
	seeds   = flag.Uint64("seeds", smokeSeeds, "how many schedules to play")
	from    = flag.Uint64("from", 16, "the seed of the first")
	abreast = flag.Int("worlds", 1, "how many worlds play schedules side by side")
)

// asNATS is the variable that makes the test's binary a NATS server: host:port
// and the store's directory, separated by a space.
const asNATS = "WEIR_FAULTS_NATS"

func TestMain(m *testing.M) {
	if order := os.Getenv(asNATS); order != "" {
		fmt.Fprintln(os.Stderr, "NATS ended:", serveNATS(order))
		os.Exit(1)
	}
	flag.Parse()
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics trace what they do
	os.Exit(m.Run())
}

// serveNATS is the server as the control plane would run it, with a port.
func serveNATS(order string) error {
	var port int
	var dir string
	if _, err := fmt.Sscanf(order, "%d %s", &port, &dir); err != nil {
		return fmt.Errorf("read %s: %w", asNATS, err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "faults", Host: "127.0.0.1", Port: port, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, MaxPayload: 8 << 20,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 4 << 30,
	})
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return fmt.Errorf("it was not ready in time")
	}
	s.WaitForShutdown()
	return nil
}
