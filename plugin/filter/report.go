package filter

import (
	"errors"
	"strconv"

	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

const usageTimeoutMS = 10_000

// edgeAuthority is the Host of all calls. It isn't the cluster's name, which in
// Istio has characters that no Host may have.
const edgeAuthority = "weir-edge"

// report sends the next message to the edge, if one is due.
func (p *plugin) report(nowNS int64) {
	send, due := p.meter.Next(nowNS, p.system.WallNS()/millisecond, p.policy.version)
	if !due {
		return
	}
	err := call(p.config.edgeCluster, [][2]string{
		{":method", "POST"},
		{":path", "/edge/v1/usage"},
		{":authority", edgeAuthority},
		{"content-type", "application/vnd.weir.batch"},
		{"authorization", p.bearer},
	}, send.Body, usageTimeoutMS, func(status int, body []byte) { p.reported(send.Sequence, status, body) })
	if err != nil {
		p.reportFailed(send.Sequence, meter.Unanswered, nowNS, err)
	}
}

// reported takes the edge's answer.
func (p *plugin) reported(sequence uint64, status int, body []byte) {
	defer p.guard("usage")
	now := p.system.MonotonicNS()
	switch status {
	case 200:
		receipt, err := wire.DecodeReceipt(body)
		if err == nil {
			err = p.meter.Received(sequence, receipt, now)
		}
		if err != nil {
			p.reportFailed(sequence, meter.Unanswered, now, err)
			return
		}
		p.stats.reportFailing = false
		p.report(now)
	case 400, 413:
		p.reportFailed(sequence, meter.Rejected, now, statusError(status))
	default:
		p.reportFailed(sequence, meter.Unanswered, now, statusError(status))
	}
}

// reportFailed logs the first failure of a row; the rest only counts.
func (p *plugin) reportFailed(sequence uint64, why meter.Cause, nowNS int64, err error) {
	p.meter.Failed(sequence, why, nowNS, p.random())
	p.stats.edgeErrors++
	if !p.stats.reportFailing {
		p.warn("send batch "+decimal(sequence), err)
	}
	p.stats.reportFailing = true
}

func statusError(status int) error {
	if status == 0 {
		return errors.New("no answer")
	}
	return errors.New("status " + strconv.Itoa(status))
}
