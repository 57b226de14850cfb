#!/bin/sh
# step.sh LOG "what is done" COMMAND...
# Runs a command with its output in build/LOG.log, shows one line with how long
# it took, and the end of the log when it fails.
set -u

mkdir -p build
log=build/$1.log
what=$2
shift 2
began=$(date +%s)
[ -t 1 ] && printf '%s …' "$what"
if "$@" >"$log" 2>&1; then
    [ -t 1 ] && printf '\r\033[K'
    echo "$what … $(($(date +%s) - began)) s"
else
    status=$?
    [ -t 1 ] && printf '\r\033[K'
    echo "$what … did not work; the end of $log:" >&2
    tail -n 40 "$log" >&2
    exit "$status"
fi
