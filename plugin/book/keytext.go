package book

import "hash/crc32"

// The text of an API key that Weir makes: a prefix, which tells what it is for and
// lets a scanner find it, random letters and digits, "_", and the CRC-32 (IEEE) of
// all before that as letters and digits.
const (
	LivePrefix    = "wk_live_"
	SandboxPrefix = "wk_test_"

	KeyRandom   = 30 // letters and digits
	checksum    = 6
	keyTextSize = len(LivePrefix) + KeyRandom + 1 + checksum
)

// KeyAlphabet is what the random part and the checksum are made of.
const KeyAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// KeyText returns the text of a key with a prefix and KeyRandom characters of
// KeyAlphabet.
func KeyText(prefix, random string) string {
	body := prefix + random
	sum := checksumOf([]byte(body))
	return body + "_" + string(sum[:])
}

// Mistyped reports whether a text looks like a key that Weir made and can't be one:
// it has such a key's prefix, and another length or checksum.
func Mistyped(text []byte) bool {
	if len(text) < len(LivePrefix) || string(text[:len(LivePrefix)]) != LivePrefix && string(text[:len(SandboxPrefix)]) != SandboxPrefix {
		return false
	}
	if len(text) != keyTextSize || text[keyTextSize-checksum-1] != '_' {
		return true
	}
	sum := checksumOf(text[:keyTextSize-checksum-1])
	return string(text[keyTextSize-checksum:]) != string(sum[:])
}

func checksumOf(body []byte) (sum [checksum]byte) {
	n := crc32.ChecksumIEEE(body)
	for i := checksum - 1; i >= 0; i-- {
		sum[i] = KeyAlphabet[n%uint32(len(KeyAlphabet))]
		n /= uint32(len(KeyAlphabet))
	}
	return sum
}
