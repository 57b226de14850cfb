// Package dev tests weir dev as somebody has it who runs it on their machine, and
// the dashboard that it serves, in a browser.
package dev
