//go:build !race

package simulation

const usualSeeds = 10_000
