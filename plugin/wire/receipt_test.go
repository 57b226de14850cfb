package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/weirhq/weir/plugin/internal/frame"
)

func TestReceipt(t *testing.T) {
	r := Receipt{Accepted: 1<<64 - 1, Committed: 3}
	data := EncodeReceipt(r)
	golden(t, "receipt.bin", data)
	if got, err := DecodeReceipt(data); err != nil || got != r {
		t.Errorf("got %v, %v", got, err)
	}
	for bit := range len(data) * 8 {
		damaged := bytes.Clone(data)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := DecodeReceipt(damaged); !errors.Is(err, ErrMalformed) {
			t.Fatalf("bit %d flipped: got %v", bit, err)
		}
	}
}

func FuzzDecodeReceipt(f *testing.F) {
	f.Add(EncodeReceipt(Receipt{5, 3}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= frame.SumBytes {
			data = frame.Seal(data[:len(data)-frame.SumBytes:len(data)-frame.SumBytes], 0)
		}
		r, err := DecodeReceipt(data)
		if err == nil && !bytes.Equal(EncodeReceipt(r), data) {
			t.Fatalf("%x encodes to other bytes", data)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}
