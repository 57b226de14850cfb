package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the user and system time of processes so far, all their threads
// included. It reads each process's CPU clock (clock_getcpuclockid(3)), which
// counts nanoseconds where /proc/PID/stat counts hundredths of a second.
func cpuTime(pids []int) (total time.Duration, err error) {
	const scheduled = 2 // CPUCLOCK_SCHED of the kernel
	for _, pid := range pids {
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
			return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// residentBytes is the memory of a process that is in RAM.
func residentBytes(pid int) (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	size, _, _ := strings.Cut(strings.TrimSpace(rest), " kB")
	kib, err := strconv.ParseUint(size, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory of %d: %w", pid, err)
	}
	return kib << 10, nil
}

// loadAverage says how busy other programs kept the machine before the run.
func loadAverage() (string, error) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", fmt.Errorf("read the load average: %w", err)
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return "Load average of the minute before: " + minute + ". ", nil
}
