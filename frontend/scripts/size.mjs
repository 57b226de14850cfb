// Fails when the script that a browser must load before the first paint of the
// dashboard (index.html's own module and what it imports statically) is over
// its budget.
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetBytes = 200_000;
const dist = new URL("../dist/", import.meta.url);
const manifestFile = new URL(".vite/manifest.json", dist);
if (!existsSync(manifestFile)) {
  console.error("dist/.vite/manifest.json is missing; run: npm run build");
  process.exit(1);
}
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));

/** Every chunk that loads with `key`, without those behind a dynamic import. */
function staticChunks(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) staticChunks(next, seen);
  return seen;
}

const gzipped = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

// The landing page is a lazy route, and nothing useful is painted without it.
const first = new Set([...staticChunks("index.html"), ...staticChunks("src/pages/Overview.tsx")]);
let total = 0;
for (const key of first) {
  const { file } = manifest[key];
  if (!file.endsWith(".js")) continue;
  const bytes = gzipped(file);
  total += bytes;
  console.log(`${kilobytes(bytes).padStart(10)}  ${file}`);
}
console.log(
  `${kilobytes(total).padStart(10)}  script to first paint, gzipped (budget ${kilobytes(budgetBytes)})`,
);
if (total > budgetBytes) {
  console.error(`over the budget by ${kilobytes(total - budgetBytes)}`);
  process.exit(1);
}
