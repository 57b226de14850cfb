#!/bin/sh
# Checks what has to be on the machine before make can do anything else. Says in
# one sentence what is missing and exits with 1.
set -u

miss() {
    echo "weir: $1" >&2
    exit 1
}

# at_least FOUND WANTED: compares dotted versions.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

[ "$(uname -s)" = Linux ] || miss "this needs Linux; on $(uname -s), use a Linux machine or virtual machine."
case "$(uname -m)" in
x86_64 | aarch64) ;;
*) miss "this needs an x86_64 or aarch64 machine; this one is $(uname -m)." ;;
esac

command -v go >/dev/null || miss "Go is missing; install Go 1.26 or later from https://go.dev/dl."
go=$(go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
at_least "$go" 1.26 || miss "Go $go is too old; install Go 1.26 or later from https://go.dev/dl."

command -v node >/dev/null || miss "Node.js is missing; install Node.js 20.19 or later from https://nodejs.org."
node=$(node --version | sed 's/^v//')
at_least "$node" 20.19 || miss "Node.js $node is too old; install Node.js 20.19 or later from https://nodejs.org."
command -v npm >/dev/null || miss "npm is missing; install the npm that belongs to Node.js $node."

command -v python3 >/dev/null || miss "Python 3 is missing; install python3 with your system's package manager."
python3 -m pip --version >/dev/null 2>&1 || miss "pip is missing; install python3-pip with your system's package manager."
