package filter

// System is what the filter needs apart from the proxy.
type System interface {
	// MonotonicNS never goes backward and is the same for all VMs of a process.
	MonotonicNS() int64
	// WallNS is the time since the Unix epoch.
	WallNS() int64
	// Random fills p with unpredictable bytes.
	Random(p []byte)
	// Getenv returns an environment variable of the VM.
	Getenv(name string) (string, bool)
}
