#!/bin/sh
# Prints the path of the Chromium for the browser tests: CHROMIUM, or the
# machine's own, or the one that make tools installs. With --others, that last
# one does not count.
if [ -n "${CHROMIUM:-}" ]; then
    echo "$CHROMIUM"
    exit
fi
for name in chromium chromium-browser google-chrome; do
    command -v "$name" && exit
done
installed=$(cd "$(dirname "$0")/../.." && pwd)/.tools/chromium/chromium
if [ "${1:-}" != --others ] && [ -x "$installed" ]; then
    echo "$installed"
    exit
fi
echo "weir: there is no Chromium for the browser tests; run make tools, or set CHROMIUM to one." >&2
exit 1
