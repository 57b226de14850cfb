//go:build !wasip1

package filter

// enter does nothing where the SDK knows the streams.
func enter(uint32, *plugin) {}

// calledBySDK does nothing where the SDK knows the streams, and
func (*plugin) calledBySDK() {}

func calledBySDK() *plugin { return nil }

// mayCall reports that every callback may call.
func (*plugin) mayCall() bool { return true }
