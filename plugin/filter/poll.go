package filter

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Times of the long poll.
const (
	pollTimeoutMS    = 30_000 // the edge holds a poll for up to 25 s
	pollFirstRetryNS = 250 * millisecond
	pollLastRetryNS  = 2 * second
	// An edge that answers "nothing new" sooner than this isn't holding polls.
	pollShortestHoldNS = second
	// A poll that was answered sooner than this, as leases are being recalled, is
	// followed by the next one with a tick.
	pollRecallNS = second / 20
)

// errBase is for an update of a policy that isn't the one that is here.
var errBase = errors.New("the edge sent the changes to another version")

// poll is the state of the long poll for the policy.
type poll struct {
	waiting bool  // for an answer
	whole   bool  // the next one asks for everything
	sentNS  int64 // when the poll under way was sent
	nextNS  int64 // when the next may be sent
	retryNS int64 // the last wait after a failure; 0 when all is well
}

// pollPolicy asks the edge for what is newer than the policy in use, unless it
// is already asking or has to wait.
func (p *plugin) pollPolicy(nowNS int64) {
	l := &p.poll
	lost := nowNS-l.sentNS > 2*pollTimeoutMS*millisecond
	if l.waiting && !lost || nowNS < l.nextNS {
		return
	}
	have := p.policy.version
	if l.whole {
		have = 0
	}
	l.waiting, l.sentNS = true, nowNS
	err := call(p.config.edgeCluster, [][2]string{
		{":method", "GET"},
		{":path", "/edge/v1/snapshot?have=" + decimal(have) + "&process=" + hex.EncodeToString(p.process[:])},
		{":authority", edgeAuthority},
		{"accept", "application/vnd.weir.snapshot"},
		{"authorization", p.bearer},
	}, nil, pollTimeoutMS, p.polled)
	if err != nil {
		l.waiting = false
		p.retryPoll(nowNS, err)
	}
}

// polled takes the answer to a poll. While all goes well the next one follows
// at once, so that an edit never waits for a tick here.
func (p *plugin) polled(status int, body []byte) {
	defer p.guard("policy")
	now := p.system.MonotonicNS()
	p.poll.waiting, p.poll.nextNS = false, 0
	err := p.takeUpdate(status, body, now)
	p.poll.whole = err == errBase && !p.poll.whole
	if err != nil && !p.poll.whole {
		p.retryPoll(now, err)
		return
	}
	if err == nil {
		p.poll.retryNS = 0
		p.policy.confirmedNS = now
	}
	p.report(now)
	if p.leasing.gives {
		p.reportLeases(now)
	}
	if p.isFetcher(now) {
		p.pollPolicy(now)
	}
}

func (p *plugin) takeUpdate(status int, body []byte, nowNS int64) error {
	switch status {
	case 200:
		before := p.policy.version
		if err := p.publish(body); err != nil {
			if err != errBase {
				p.refusePolicy(err)
			}
			return err
		}
		if p.policy.version <= before {
			return errors.New("the edge sent nothing newer")
		}
		return nil
	case 204: // leases of this process are being recalled
		p.leasing.gives = true
		if nowNS-p.poll.sentNS < pollRecallNS {
			p.poll.nextNS = nowNS + pollRecallNS
		}
		return nil
	case 304:
		if nowNS-p.poll.sentNS < pollShortestHoldNS {
			return errors.New("the edge didn't hold the poll")
		}
		return nil
	}
	return statusError(status)
}

// retryPoll puts off the next poll: by a quarter to two seconds, doubling, of
// which a random half, so that many Envoys don't come back at once.
func (p *plugin) retryPoll(nowNS int64, err error) {
	l := &p.poll
	if l.retryNS == 0 {
		p.warn("fetch the policy", err)
	}
	p.stats.edgeErrors++
	l.retryNS = min(max(2*l.retryNS, pollFirstRetryNS), pollLastRetryNS)
	l.nextNS = nowNS + l.retryNS/2 + int64(p.random())%(l.retryNS/2)
}

func (p *plugin) random() uint32 {
	var b [4]byte
	p.system.Random(b[:])
	return binary.LittleEndian.Uint32(b[:])
}
