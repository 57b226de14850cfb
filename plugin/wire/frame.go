package wire

import "github.com/weirhq/weir/plugin/internal/frame"

// The formats of this package; see package frame.
const (
	magicBatch       = "WBa\x04"
	magicReceipt     = "WRc\x01"
	magicLeaseReport = "WLr\x02"
	magicLeaseReply  = "WLg\x02"
)

// ErrMalformed is what every decoder of this package returns, wrapped with the
// place, for bytes that no encoder of this package could have written.
var ErrMalformed = frame.ErrMalformed

// ErrInvalid is what every encoder of this package returns, wrapped with the
// field at fault, for a value that is out of bounds or contradicts itself.
var ErrInvalid = frame.ErrInvalid
