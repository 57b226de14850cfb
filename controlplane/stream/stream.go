package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/weirhq/weir/plugin/wire"
)

const (
	streamName   = "WEIR_USAGE"
	usageSubject = "weir.usage"
	liveSubject  = "weir.live"
	consumerName = "rollup"

	maxPayload     = wire.MaxBatchBytes + 1024
	maxStreamBytes = 2 << 30
	// What JetStream answers when a stream would reserve more than is left: JSStorageResourcesExceededErr.
	insufficientStorage jetstream.ErrorCode = 10047
	// While a batch waits in the stream, its copies are turned away; but one gets in
	// every so often, for the case that the stream can't give out the one it has.
	copyEvery = 2 * time.Minute
	// Longer than a round of the rollup may take, so that good ones aren't repeated.
	ackWait     = 30 * time.Second
	maxInFlight = 2048
	// What is asked for ahead, beyond what is being worked on.
	maxAhead      = maxInFlight / 2
	maxAheadBytes = 8 << 20
	// A subscription that the server has forgotten, with its store, is merely silent:
	// that is noticed after two of these.
	heartbeatEvery = time.Second
	reconnectEvery = 250 * time.Millisecond
)

// Conn is a connection to NATS. It reconnects by itself for as long as it is open.
type Conn struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	health health
	inject func(context.Context, map[string][]string) // nil: nothing
}

// Carry has inject put into each batch's header what is to travel with it. Call it
// before the first batch.
func (c *Conn) Carry(inject func(ctx context.Context, header map[string][]string)) { c.inject = inject }

// Connect connects to the NATS servers at urls, separated by commas.
func Connect(urls string) (*Conn, error) {
	for server := range strings.SplitSeq(urls, ",") {
		// The library's own error would repeat the password.
		if _, err := url.Parse(strings.TrimSpace(server)); err != nil {
			return nil, errors.New("connect to NATS: NATS_URL is not a valid nats:// URL; percent-encode special characters in its password")
		}
	}
	return connect(urls)
}

// Connect connects to the embedded server.
func (s *Server) Connect() (*Conn, error) {
	return connect("", nats.InProcessServer(s.nats))
}

func connect(urls string, options ...nats.Option) (*Conn, error) {
	options = append(options, nats.Name("weir"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectEvery))
	nc, err := nats.Connect(urls, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS; check NATS_URL: %w", err)
	}
	if most := nc.MaxPayload(); most < maxPayload {
		nc.Close()
		return nil, fmt.Errorf("connect to NATS: the server takes messages of up to %d bytes, and a batch of usage may have %d; raise max_payload in its configuration", most, maxPayload)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return &Conn{nc: nc, js: js}, nil
}

// Close ends the connection.
func (c *Conn) Close() { c.nc.Close() }

// Ping asks whether JetStream answers, and fails as well when the last [Conn.Check]
// did.
func (c *Conn) Ping(ctx context.Context) error {
	if _, err := c.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("reach JetStream: %w", err)
	}
	return c.health.last()
}

// Setup makes the stream and its consumer, or brings them up to date. Call it
// again whenever they may have been lost.
func (c *Conn) Setup(ctx context.Context) error {
	_, err := c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Subjects: []string{usageSubject + ".>"},
		Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy,
		// When it is full the publisher is told, and the filter keeps its batches.
		Discard: jetstream.DiscardNew, MaxBytes: maxStreamBytes,
		MaxMsgSize: maxPayload,
		// Each batch has a subject to itself. When it is done the subject is free at
		// once, so a batch that the database has lost since can come again.
		MaxMsgsPerSubject: 1, DiscardNewPerSubject: true,
	})
	if refused := new(jetstream.APIError); errors.As(err, &refused) && refused.ErrorCode == insufficientStorage {
		return fmt.Errorf("set up the usage stream: NATS has no %d GiB of storage left for it; free some of its disk, or raise max_file_store in its configuration", maxStreamBytes>>30)
	}
	if err != nil {
		return fmt.Errorf("set up the usage stream: %w", err)
	}
	_, err = c.js.CreateOrUpdateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: ackWait, MaxAckPending: maxInFlight,
	})
	if err != nil {
		return fmt.Errorf("set up the rollup consumer: %w", err)
	}
	return nil
}

// Publish hands over an encoded batch. It returns once JetStream has stored it, or
// still has a copy of it.
func (c *Conn) Publish(ctx context.Context, source wire.SourceID, sequence uint64, batch []byte) error {
	id := hex.EncodeToString(source[:]) + "." + strconv.FormatUint(sequence, 10)
	subject := usageSubject + "." + id + "." + strconv.FormatInt(time.Now().Unix()/int64(copyEvery.Seconds()), 10)
	msg := &nats.Msg{Subject: subject, Data: batch}
	if c.inject != nil {
		msg.Header = nats.Header{}
		c.inject(ctx, msg.Header)
	}
	_, err := c.js.PublishMsg(ctx, msg)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		// The store was lost while we ran. A new, empty one is as good.
		if err = c.Setup(ctx); err == nil {
			_, err = c.js.PublishMsg(ctx, msg)
		}
	}
	if isCopy(err) {
		err = nil
	}
	c.health.published(err)
	if err != nil {
		return fmt.Errorf("publish batch %s: %w", id, err)
	}
	return nil
}

// isCopy recognises the answer to what the stream has. That it is full has the same
// code.
func isCopy(err error) bool {
	const storeFailed = 10077
	var refused *jetstream.APIError
	return errors.As(err, &refused) && refused.ErrorCode == storeFailed && strings.Contains(refused.Description, "per subject")
}

// Message is a batch on its way. Exactly one of Done, Again and Drop is called
// at the end.
type Message interface {
	// Batch returns the encoded batch.
	Batch() []byte
	// Header returns what travels with it.
	Header() map[string][]string
	// Done tells the stream that the batch is committed. When that is lost, the
	// batch comes again, and is recognised.
	Done() error
	// Again asks for the batch once more, after a while.
	Again(after time.Duration) error
	// Drop tells the stream that nobody can make sense of the batch.
	Drop(reason string) error
}

type message struct{ msg jetstream.Msg }

// Batch is [Message.Batch].
func (m message) Batch() []byte { return m.msg.Data() }

// Header is [Message.Header].
func (m message) Header() map[string][]string { return m.msg.Headers() }

// Done is [Message.Done].
func (m message) Done() error { return m.msg.Ack() }

// Again is [Message.Again].
func (m message) Again(after time.Duration) error { return m.msg.NakWithDelay(after) }

// Drop is [Message.Drop].
func (m message) Drop(reason string) error { return m.msg.TermWithReason(reason) }

// Batches hands each arriving batch to deliver, one after the other, until ctx
// ends or the subscription breaks. It never returns nil.
func (c *Conn) Batches(ctx context.Context, deliver func(Message)) error {
	if err := c.Setup(ctx); err != nil {
		return err
	}
	consumer, err := c.js.Consumer(ctx, streamName, consumerName)
	if err != nil {
		return fmt.Errorf("open the rollup consumer: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(maxAhead, maxAheadBytes),
		jetstream.PullHeartbeat(heartbeatEvery), jetstream.PullExpiry(15*time.Second))
	if err != nil {
		return fmt.Errorf("subscribe to batches: %w", err)
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("receive a batch: %w", err)
		}
		deliver(message{msg})
	}
}

// Announce tells every control plane what was committed. It does not wait, and
// nobody may be listening.
func (c *Conn) Announce(payload []byte) error {
	if err := c.nc.Publish(liveSubject, payload); err != nil {
		return fmt.Errorf("announce usage: %w", err)
	}
	return nil
}

// Announcements hands every announcement to heard, until stop is called; a
// connection has one such reader. It calls missed when some may have been lost:
// the connection was away for a while, or heard did not keep up.
func (c *Conn) Announcements(heard func(payload []byte), missed func()) (stop func(), err error) {
	c.nc.SetReconnectHandler(func(*nats.Conn) { missed() })
	c.nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrSlowConsumer) {
			missed()
		}
	})
	sub, err := c.nc.Subscribe(liveSubject, func(m *nats.Msg) { heard(m.Data) })
	if err != nil {
		return nil, fmt.Errorf("subscribe to announcements: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // fails only when the connection is gone
}

// Waiting returns how many batches the stream holds.
func (c *Conn) Waiting(ctx context.Context) (uint64, error) {
	s, err := c.js.Stream(ctx, streamName)
	if err != nil {
		return 0, fmt.Errorf("look at the usage stream: %w", err)
	}
	return s.CachedInfo().State.Msgs, nil
}
