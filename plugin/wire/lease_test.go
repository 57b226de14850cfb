package wire

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/plugin/internal/frame"
)

const june = 1_780_272_000 // 2026-06-01 in UTC

func sampleReport() *LeaseReport {
	return &LeaseReport{
		Process: ProcessID(source), Node: "gateway-1",
		Held: []HeldLease{
			{LeaseKey: LeaseKey{11, 0, 5}, Epoch: 300, Born: 77, Start: june, Granted: 500, Used: 321, Refunded: 20, Revision: 3, NextStart: june + 30*86400, NextGranted: 50, Asks: true, Wants: 3, Recent: 120, Plan: 4},
			{LeaseKey: LeaseKey{11, 21, 6}, Born: 1 << 62, Asks: true},
			{LeaseKey: LeaseKey{11, 22, 6}, Used: 7},
			{LeaseKey: LeaseKey{12, 0, 5}, Start: june, Granted: 5, Used: MaxLeaseAmount},
		},
	}
}

func sampleReply() *LeaseReply {
	return &LeaseReply{
		TTLSeconds: 30,
		Leases: []LeaseGrant{
			{LeaseKey: LeaseKey{11, 0, 5}, Born: 77, Plan: 4, Revision: 4, Start: june, End: june + 30*86400, Granted: 1000, Remaining: 99_000,
				NextStart: june + 30*86400, NextEnd: june + 61*86400, NextGranted: 100},
			{LeaseKey: LeaseKey{11, 21, 6}, Born: 1 << 62, Start: june, End: june + 86400, Spent: true},
			{LeaseKey: LeaseKey{13, 0, 5}, Revision: 9, Start: june, End: june + 1, Granted: 1},
		},
	}
}

func TestLeaseBytesAreGolden(t *testing.T) {
	report, err := EncodeLeaseReport(nil, sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "lease-report.bin", report)
	reply, err := EncodeLeaseReply(nil, sampleReply())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "lease-reply.bin", reply)
}

func drawLeaseKey(t *rapid.T) LeaseKey {
	return LeaseKey{1 + drawNumber(t, "account")/2, drawNumber(t, "key"), 1 + drawNumber(t, "limit")/2}
}

func TestDecodeLeaseReportInvertsEncode(t *testing.T) {
	amount := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, MaxLeaseAmount))
	instant := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(1, MaxTimeMS/1000))
	rapid.Check(t, func(t *rapid.T) {
		want := &LeaseReport{Process: ProcessID(source), Node: rapid.StringMatching(`[a-zß0-9-]{0,30}`).Draw(t, "node")}
		for range rapid.IntRange(0, 20).Draw(t, "held") {
			h := HeldLease{
				Epoch:    rapid.Uint32().Draw(t, "epoch"),
				LeaseKey: drawLeaseKey(t), Born: rapid.Int64().Draw(t, "born"), Used: amount.Draw(t, "used"),
				Revision: drawNumber(t, "revision"), Asks: rapid.Bool().Draw(t, "asks"),
				Start: instant.Draw(t, "start"), NextStart: instant.Draw(t, "next start"),
				Wants: amount.Draw(t, "wants"), Recent: amount.Draw(t, "recent"), Plan: drawNumber(t, "plan"),
			}
			h.Refunded = rapid.Uint64Range(0, h.Used).Draw(t, "refunded")
			if h.Start != 0 {
				h.Granted = amount.Draw(t, "granted")
			}
			if h.NextStart != 0 {
				h.NextGranted = amount.Draw(t, "next granted")
			}
			want.Held = append(want.Held, h)
		}
		slices.SortFunc(want.Held, func(a, b HeldLease) int { return a.Compare(b.LeaseKey) })
		want.Held = slices.CompactFunc(want.Held, func(a, b HeldLease) bool { return a.LeaseKey == b.LeaseKey })
		data, err := EncodeLeaseReport([]byte("prefix"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeLeaseReport(data[len("prefix"):])
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}

func TestDecodeLeaseReplyInvertsEncode(t *testing.T) {
	amount := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, MaxLeaseAmount))
	length := rapid.Int64Range(1, MaxTimeMS/4000)
	rapid.Check(t, func(t *rapid.T) {
		want := &LeaseReply{TTLSeconds: rapid.Uint32Range(1, MaxLeaseTTLSeconds).Draw(t, "ttl")}
		for range rapid.IntRange(0, 20).Draw(t, "leases") {
			g := LeaseGrant{
				LeaseKey: drawLeaseKey(t), Born: rapid.Int64().Draw(t, "born"), Revision: drawNumber(t, "revision"),
				Start: length.Draw(t, "start"), Granted: amount.Draw(t, "granted"), Remaining: amount.Draw(t, "remaining"),
				Spent: rapid.Bool().Draw(t, "spent"), Plan: drawNumber(t, "plan"),
			}
			g.End = g.Start + length.Draw(t, "length")
			if rapid.Bool().Draw(t, "next") {
				g.NextStart, g.NextGranted = g.End, amount.Draw(t, "next granted")
				g.NextEnd = g.NextStart + length.Draw(t, "next length")
			}
			want.Leases = append(want.Leases, g)
		}
		slices.SortFunc(want.Leases, func(a, b LeaseGrant) int { return a.Compare(b.LeaseKey) })
		want.Leases = slices.CompactFunc(want.Leases, func(a, b LeaseGrant) bool { return a.LeaseKey == b.LeaseKey })
		data, err := EncodeLeaseReply([]byte("prefix"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeLeaseReply(data[len("prefix"):])
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}

func TestEncodeLeaseReportNamesTheField(t *testing.T) {
	tests := map[string]func(r *LeaseReport){
		"process":             func(r *LeaseReport) { r.Process = ProcessID{} },
		"node: a control":     func(r *LeaseReport) { r.Node = "\n" },
		"node: length":        func(r *LeaseReport) { r.Node = strings.Repeat("n", MaxNodeBytes+1) },
		"held: 4097":          func(r *LeaseReport) { r.Held = make([]HeldLease, MaxHeldLeases+1) },
		"held[0].account: 0":  func(r *LeaseReport) { r.Held[0].Account = 0 },
		"held[0].key":         func(r *LeaseReport) { r.Held[0].Key = MaxNumber + 1 },
		"held[0].limit: 0":    func(r *LeaseReport) { r.Held[0].Limit = 0 },
		"held[1]: not after":  func(r *LeaseReport) { r.Held[1].LeaseKey = r.Held[0].LeaseKey },
		"held[0].start: not":  func(r *LeaseReport) { r.Held[0].Start = -1 },
		"held[1].start: 0":    func(r *LeaseReport) { r.Held[1].Granted = 1 },
		"held[0].granted":     func(r *LeaseReport) { r.Held[0].Granted = MaxLeaseAmount + 1 },
		"held[0].used":        func(r *LeaseReport) { r.Held[0].Used = MaxLeaseAmount + 1 },
		"held[0].refunded":    func(r *LeaseReport) { r.Held[0].Refunded = r.Held[0].Used + 1 },
		"held[0].wants":       func(r *LeaseReport) { r.Held[0].Wants = MaxLeaseAmount + 1 },
		"held[0].recent":      func(r *LeaseReport) { r.Held[0].Recent = MaxLeaseAmount + 1 },
		"held[0].plan":        func(r *LeaseReport) { r.Held[0].Plan = MaxNumber + 1 },
		"held[0].revision":    func(r *LeaseReport) { r.Held[0].Revision = MaxNumber + 1 },
		"held[0].nextStart":   func(r *LeaseReport) { r.Held[0].NextStart = MaxTimeMS },
		"held[1].nextStart":   func(r *LeaseReport) { r.Held[1].NextGranted = 1 },
		"held[0].nextGranted": func(r *LeaseReport) { r.Held[0].NextGranted = MaxLeaseAmount + 1 },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			r := sampleReport()
			change(r)
			if _, err := EncodeLeaseReport(nil, r); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEncodeLeaseReplyNamesTheField(t *testing.T) {
	tests := map[string]func(r *LeaseReply){
		"ttlSeconds: 0":                    func(r *LeaseReply) { r.TTLSeconds = 0 },
		"ttlSeconds: 86401":                func(r *LeaseReply) { r.TTLSeconds = 86_401 },
		"leases: 8193":                     func(r *LeaseReply) { r.Leases = make([]LeaseGrant, MaxLeaseGrants+1) },
		"leases[0].account: 0":             func(r *LeaseReply) { r.Leases[0].Account = 0 },
		"leases[1]: not after":             func(r *LeaseReply) { r.Leases[1].LeaseKey = r.Leases[0].LeaseKey },
		"leases[0].plan":                   func(r *LeaseReply) { r.Leases[0].Plan = MaxNumber + 1 },
		"leases[0].revision":               func(r *LeaseReply) { r.Leases[0].Revision = MaxNumber + 1 },
		"leases[0].start, .end":            func(r *LeaseReply) { r.Leases[0].Start = 0 },
		"leases[1].start, .end":            func(r *LeaseReply) { r.Leases[1].End = r.Leases[1].Start },
		"leases[2].start, .end":            func(r *LeaseReply) { r.Leases[2].End = MaxTimeMS },
		"leases[0].granted":                func(r *LeaseReply) { r.Leases[0].Granted = MaxLeaseAmount + 1 },
		"leases[0].remaining":              func(r *LeaseReply) { r.Leases[0].Remaining = MaxLeaseAmount + 1 },
		"leases[0].nextGranted":            func(r *LeaseReply) { r.Leases[0].NextGranted = MaxLeaseAmount + 1 },
		"leases[1].nextStart: 0":           func(r *LeaseReply) { r.Leases[1].NextEnd = 1 },
		"leases[0].nextStart, .nextEnd: n": func(r *LeaseReply) { r.Leases[0].NextStart-- },
		"leases[0].nextStart, .nextEnd":    func(r *LeaseReply) { r.Leases[0].NextEnd = r.Leases[0].NextStart },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			r := sampleReply()
			change(r)
			if _, err := EncodeLeaseReply(nil, r); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDamagedLeasesAreRefused(t *testing.T) {
	report, _ := EncodeLeaseReport(nil, sampleReport())
	reply, _ := EncodeLeaseReply(nil, sampleReply())
	for name, tt := range map[string]struct {
		data   []byte
		decode func([]byte) error
	}{
		"report": {report, func(b []byte) error { _, err := DecodeLeaseReport(b); return err }},
		"reply":  {reply, func(b []byte) error { _, err := DecodeLeaseReply(b); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.decode(tt.data); err != nil {
				t.Fatal(err)
			}
			for bit := range len(tt.data) * 8 {
				damaged := bytes.Clone(tt.data)
				damaged[bit/8] ^= 1 << (bit % 8)
				if err := tt.decode(damaged); !errors.Is(err, ErrMalformed) {
					t.Fatalf("bit %d: got %v", bit, err)
				}
			}
			for n := range len(tt.data) - frame.SumBytes {
				if err := tt.decode(frame.Seal(bytes.Clone(tt.data[:n]), 0)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("%d bytes and a new checksum: got %v", n, err)
				}
			}
			if err := tt.decode(make([]byte, 1<<20)); !errors.Is(err, ErrMalformed) {
				t.Errorf("too long: got %v", err)
			}
		})
	}
}

// The longest report and reply have to be sendable.
func TestLongestLeasesFit(t *testing.T) {
	r := &LeaseReport{Process: ProcessID(source), Node: strings.Repeat("n", MaxNodeBytes)}
	for i := range uint64(MaxHeldLeases) {
		r.Held = append(r.Held, HeldLease{LeaseKey{MaxNumber - MaxHeldLeases + i, MaxNumber, MaxNumber}, math.MaxUint32, -1 << 63,
			MaxTimeMS / 1000, MaxLeaseAmount, MaxLeaseAmount, MaxLeaseAmount, MaxNumber, MaxTimeMS / 1000, MaxLeaseAmount, true,
			MaxLeaseAmount, MaxLeaseAmount, MaxNumber})
	}
	data, err := EncodeLeaseReport(nil, r)
	if _, undecoded := DecodeLeaseReport(data); err != nil || undecoded != nil {
		t.Errorf("%v, %v", err, undecoded)
	}
	t.Logf("report: %d of %d bytes", len(data), MaxLeaseReportBytes)
	p := &LeaseReply{TTLSeconds: 1}
	for i := range uint64(MaxLeaseGrants) {
		p.Leases = append(p.Leases, LeaseGrant{LeaseKey{MaxNumber - MaxLeaseGrants + i, MaxNumber, MaxNumber}, -1 << 63, MaxNumber, MaxNumber,
			MaxTimeMS/1000 - 2, MaxTimeMS/1000 - 1, MaxLeaseAmount, MaxLeaseAmount, true, MaxTimeMS/1000 - 1, MaxTimeMS / 1000, MaxLeaseAmount})
	}
	data, err = EncodeLeaseReply(nil, p)
	if _, undecoded := DecodeLeaseReply(data); err != nil || undecoded != nil {
		t.Errorf("%v, %v", err, undecoded)
	}
	t.Logf("reply: %d of %d bytes", len(data), MaxLeaseReplyBytes)
}

func FuzzDecodeLeases(f *testing.F) {
	report, _ := EncodeLeaseReport(nil, sampleReport())
	reply, _ := EncodeLeaseReply(nil, sampleReply())
	f.Add(report)
	f.Add(reply)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < frame.SumBytes {
			return
		}
		data = frame.Seal(data[:len(data)-frame.SumBytes:len(data)-frame.SumBytes], 0)
		if r, err := DecodeLeaseReport(data); err == nil {
			if again, err := EncodeLeaseReport(nil, r); err != nil || !bytes.Equal(again, data) {
				t.Fatalf("encodes to other bytes: %v\n%x\n%x", err, data, again)
			}
		} else if !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		if r, err := DecodeLeaseReply(data); err == nil {
			if again, err := EncodeLeaseReply(nil, r); err != nil || !bytes.Equal(again, data) {
				t.Fatalf("encodes to other bytes: %v\n%x\n%x", err, data, again)
			}
		} else if !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}
