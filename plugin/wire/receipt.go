package wire

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

const receiptBytes = 16

// EncodeReceipt returns the encoding of r.
func EncodeReceipt(r Receipt) []byte {
	b := make([]byte, 0, frame.MagicBytes+receiptBytes+frame.SumBytes)
	b = append(b, magicReceipt...)
	b = binary.LittleEndian.AppendUint64(b, r.Accepted)
	b = binary.LittleEndian.AppendUint64(b, r.Committed)
	return frame.Seal(b, 0)
}

// DecodeReceipt is the inverse of EncodeReceipt; it fails with [ErrMalformed].
func DecodeReceipt(data []byte) (Receipt, error) {
	if len(data) != frame.MagicBytes+receiptBytes+frame.SumBytes {
		return Receipt{}, frame.Malformed("a receipt of the wrong length")
	}
	body, err := frame.Unseal(data, magicReceipt)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{
		Accepted:  binary.LittleEndian.Uint64(body),
		Committed: binary.LittleEndian.Uint64(body[8:]),
	}, nil
}
