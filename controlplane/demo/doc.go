// Package demo is what a newcomer looks at: something behind the gateway, some
// accounts to call it as, and traffic.
//
// The upstream answers every request with what it got. Seed fills an empty
// database with three tiers and an account on each; what somebody changed since,
// it leaves alone. Drive sends traffic, to this machine only and for a bounded
// time. Nothing here keeps state of its own.
package demo
