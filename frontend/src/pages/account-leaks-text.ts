/** Keys with their checksum, wherever they stand in a line. */
const own = /wk_(?:live|test)_[0-9A-Za-z]{30}_[0-9A-Za-z]{6}/g;
const longest = 256;

/** What may be keys in a text, each once: those, and lines of one word. Only that is sent. */
export function secretsIn(text: string): string[] {
  const found = new Set<string>();
  for (const line of text.split("\n").map((l) => l.trim())) {
    const keys = line.match(own) ?? (/^\S+$/.test(line) && line.length <= longest ? [line] : []);
    for (const key of keys) found.add(key);
  }
  return [...found];
}
