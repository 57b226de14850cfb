// Unpacks the Chromium that the npm package carries, and writes a script that
// starts it: node unpack.mjs DIRECTORY. The package is made for a Linux that has
// few libraries of its own; the ones it brings are used only where the
// machine's are missing.
import { execFileSync } from 'node:child_process'
import { createReadStream, createWriteStream, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'

const target = resolve(process.argv[2])
const packed = join(target, 'node_modules/@sparticuz/chromium/bin')

if (process.arch !== 'x64') {
  console.error('There is no Chromium for this machine on npm: install one and set CHROMIUM to its path.')
  process.exit(1)
}

async function inflate(name, path) {
  mkdirSync(dirname(path), { recursive: true })
  await pipeline(createReadStream(join(packed, name)), createBrotliDecompress(), createWriteStream(path, { mode: 0o755 }))
}

await inflate('chromium.br', join(target, 'unpacked/chromium'))
for (const name of ['al2023', 'swiftshader', 'fonts']) {
  const tar = join(target, `${name}.tar`)
  await inflate(`${name}.tar.br`, tar)
  // SwiftShader is looked for beside the program.
  const into = join(target, 'unpacked', name === 'swiftshader' ? '.' : name)
  mkdirSync(into, { recursive: true })
  execFileSync('tar', ['-xf', tar, '-C', into, '--no-same-owner'])
  rmSync(tar)
}

writeFileSync(
  join(target, 'unpacked/fonts/fonts.conf'),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(target, 'unpacked/fonts')}</dir><cachedir>${join(target, 'unpacked/cache')}</cachedir></fontconfig>
`,
)
rmSync(join(target, 'node_modules'), { recursive: true })

writeFileSync(
  join(target, 'chromium'),
  `#!/bin/sh
# Starts the Chromium beside this script.
here=$(cd "$(dirname "$0")" && pwd)/unpacked
if ldd "$here/chromium" | grep -q 'not found'; then
    export LD_LIBRARY_PATH="$here/al2023/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
# Where the machine has fonts, they are used.
if ! [ -d /usr/share/fonts ]; then
    export FONTCONFIG_PATH="$here/fonts"
fi
exec "$here/chromium" --no-zygote "$@"
`,
  { mode: 0o755 },
)
