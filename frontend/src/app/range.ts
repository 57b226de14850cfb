/** The presets of the global time range, shortest first. */
export const presets = {
  "15m": { label: "Last 15 minutes", short: "15 min", ms: 15 * 60_000 },
  "1h": { label: "Last hour", short: "1 h", ms: 3_600_000 },
  "6h": { label: "Last 6 hours", short: "6 h", ms: 6 * 3_600_000 },
  "24h": { label: "Last 24 hours", short: "24 h", ms: 24 * 3_600_000 },
  "7d": { label: "Last 7 days", short: "7 d", ms: 7 * 86_400_000 },
  "30d": { label: "Last 30 days", short: "30 d", ms: 30 * 86_400_000 },
} as const;

export type Preset = keyof typeof presets;
export type Range = { preset: Preset } | { preset: null; fromMS: number; toMS: number };
export type Granularity = "MINUTE" | "HOUR" | "DAY" | "MONTH";

export const defaultPreset: Preset = "1h";
export const minuteMS = 60_000;

/** The most points that one usage query may have; the server refuses more. */
export const mostPoints = 5_000;

const isPreset = (s: string | null): s is Preset => s !== null && Object.hasOwn(presets, s);

/** Reads the range from a URL's query; anything unreadable is the default. */
export function rangeFromQuery(query: URLSearchParams): Range {
  const fromMS = Date.parse(query.get("from") ?? "");
  const toMS = Date.parse(query.get("to") ?? "");
  if (Number.isFinite(fromMS) && Number.isFinite(toMS) && fromMS < toMS) {
    return { preset: null, fromMS, toMS };
  }
  const preset = query.get("range");
  return { preset: isPreset(preset) ? preset : defaultPreset };
}

/** A copy of `query` with the range in it; the default leaves no trace. */
export function queryWithRange(query: URLSearchParams, range: Range): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const name of ["range", "from", "to"]) next.delete(name);
  if (range.preset === null) {
    next.set("from", new Date(range.fromMS).toISOString());
    next.set("to", new Date(range.toMS).toISOString());
  } else if (range.preset !== defaultPreset) {
    next.set("range", range.preset);
  }
  return next;
}

/** The parts of a URL's query that every page shares, to be carried from page to page. */
export function sharedQuery(query: URLSearchParams): URLSearchParams {
  const shared = new URLSearchParams();
  for (const name of ["range", "from", "to", "live"]) {
    const value = query.get(name);
    if (value !== null) shared.set(name, value);
  }
  return shared;
}

export type Window = { fromMS: number; toMS: number; open: boolean };

/**
 * The instants that a range stands for at `nowMS`. A preset begins at a whole
 * minute, and stays open towards the future.
 */
export function windowOf(range: Range, nowMS: number): Window {
  if (range.preset === null) return { fromMS: range.fromMS, toMS: range.toMS, open: false };
  const { ms } = presets[range.preset];
  const toMS = Math.floor(nowMS / minuteMS) * minuteMS + minuteMS;
  return { fromMS: toMS - ms, toMS, open: true };
}

export const granularityMS: Record<Exclude<Granularity, "MONTH">, number> = {
  MINUTE: minuteMS,
  HOUR: 3_600_000,
  DAY: 86_400_000,
};

/** The finest granularity that is readable over so long a time. */
export function readableGranularity(spanMS: number): Granularity {
  if (spanMS <= 12 * 3_600_000) return "MINUTE";
  if (spanMS <= 14 * 86_400_000) return "HOUR";
  if (spanMS <= 2 * 366 * 86_400_000) return "DAY";
  return "MONTH";
}

/** Whether the server would answer a series of that granularity. */
export function isAnswerable(granularity: Granularity, spanMS: number): boolean {
  return granularity === "MONTH" || spanMS / granularityMS[granularity] <= mostPoints;
}

/** A range at the end of a sentence: in the last hour. */
export const spanWords = (range: Range): string =>
  range.preset === null
    ? "in the chosen range"
    : `in the ${presets[range.preset].label.toLowerCase()}`;
