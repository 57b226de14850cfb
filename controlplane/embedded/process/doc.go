// Package process runs child processes that can't outlive this one.
//
// In comes a command that has not been started; out comes a running process
// whose end can be waited for by several parties at once. When this process
// dies, by whatever means, the kernel signals the child: nothing is left behind
// to hold a port or a data directory. It works on Linux only.
package process
