package wire

import "encoding/binary"

const receiptBytes = 16

// EncodeReceipt returns the encoding of r.
func EncodeReceipt(r Receipt) []byte {
	b := make([]byte, 0, magicBytes+receiptBytes+sumBytes)
	b = append(b, magicReceipt...)
	b = binary.LittleEndian.AppendUint64(b, r.Accepted)
	b = binary.LittleEndian.AppendUint64(b, r.Committed)
	return seal(b, 0)
}

// DecodeReceipt is the inverse of EncodeReceipt; it fails with [ErrMalformed].
func DecodeReceipt(data []byte) (Receipt, error) {
	if len(data) != magicBytes+receiptBytes+sumBytes {
		return Receipt{}, malformed("a receipt of the wrong length")
	}
	body, err := unseal(data, magicReceipt)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{
		Accepted:  binary.LittleEndian.Uint64(body),
		Committed: binary.LittleEndian.Uint64(body[8:]),
	}, nil
}
