//go:build race

package simulation

// A run has one thread, and the race detector makes it 20 times as slow.
const usualSeeds = 300
