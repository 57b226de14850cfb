package wire

// Sort puts entries and levels into the order that EncodeBatch wants.
func (b *Batch) Sort() {}

// Compare orders keys as a batch lists them: by minute, account, key, endpoint,
// status and decision. It returns -1, 0 or +1.
func (k EntryKey) Compare(o EntryKey) int { return 0 }

// EncodeBatch appends the encoding of b to dst. Entries are sorted strictly by
// key, levels strictly by account and limit; see [Batch.Sort]. It fails with
// [ErrInvalid] for a batch that isn't sorted, or is out of bounds.
func EncodeBatch(dst []byte, b *Batch) ([]byte, error) { return dst, ErrInvalid }

// DecodeBatch is the inverse of EncodeBatch. It keeps no reference to data and
// fails with [ErrMalformed].
func DecodeBatch(data []byte) (*Batch, error) { return nil, ErrMalformed }

// EncodeReceipt returns the encoding of r.
func EncodeReceipt(r Receipt) []byte { return nil }

// DecodeReceipt is the inverse of EncodeReceipt; it fails with [ErrMalformed].
func DecodeReceipt(data []byte) (Receipt, error) { return Receipt{}, ErrMalformed }
