#!/bin/sh
# Installs the Chromium of tools/chromium into .tools/chromium.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$here/../../.tools/chromium
mkdir -p "$target"
cp "$here/package.json" "$here/package-lock.json" "$target/"
npm --prefix "$target" ci --no-audit --no-fund --loglevel=error
node "$here/unpack.mjs" "$target"
