const largest = 1e12;

/** Reads a whole number as people type it: 1000, 1,000, 1 000. */
export function wholeNumber(text: string): number | null {
  const digits = text.replace(/[\s,_]/g, "");
  if (!/^\d+$/.test(digits)) return null;
  const value = Number(digits);
  return value >= 1 && value <= largest ? value : null;
}

const byteSizes: Record<string, number> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
};

/** Reads a number of bytes: 500 MB, 1.5 GB, 1,000,000. */
export function bytesOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(text.replace(/[\s,_]/g, "").toLowerCase());
  const size = byteSizes[match?.[2] ?? ""];
  if (!match || size === undefined) return null;
  // 1.1 * 1e9 is a hair more than a whole number.
  const value = Number((Number(match[1]) * size).toFixed(6));
  return Number.isInteger(value) && value >= 1 && value <= largest ? value : null;
}

const timeSizes: Record<string, number> = {
  "": 1,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3_600,
  d: 86_400,
};

/** Reads a time in whole seconds: 90, 90 s, 15 min, 2 h, 1 d. */
export function secondsOf(text: string): number | null {
  const match = /^(\d+)([a-z]*)$/.exec(text.replace(/\s/g, "").toLowerCase());
  const size = timeSizes[match?.[2] ?? ""];
  if (!match || size === undefined) return null;
  const value = Number(match[1]) * size;
  return value >= 1 ? value : null;
}
