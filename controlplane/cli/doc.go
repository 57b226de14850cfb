// Package cli is what the weir command does through the API: for scripts, for
// operators, and for whoever keeps the policy in files.
//
// In come arguments, standard input and an API token; out come tables or JSON on
// standard output, and everything that is for people on standard error. What it
// changes, it changes through GraphQL mutations, so permissions, checks and the audit
// log are the API's. It keeps one file, the profiles of weir login, which only its
// owner may read.
//
// Exit codes: 0 all is well, 1 it could not be done, 2 the command line is wrong, 3
// weir diff and weir plan found differences.
package cli
