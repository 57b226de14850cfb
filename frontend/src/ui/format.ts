/** A count in full: 12,431. */
export const exact = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

const steps = [
  { from: 1e12, suffix: "T" },
  { from: 1e9, suffix: "B" },
  { from: 1e6, suffix: "M" },
  { from: 1e3, suffix: "k" },
];

/** Three significant digits and a suffix: 12.4k, 3.1M, 87, 0.25. */
export function short(value: number): string {
  const size = Math.abs(value);
  // 999,950 rounds up into the next step, and must not read 1000k.
  const step = steps.find((s) => size >= s.from * 0.9995);
  if (!step) return trim(size >= 100 ? value.toFixed(0) : value.toPrecision(3));
  const scaled = value / step.from;
  return trim(Math.abs(scaled) >= 100 ? scaled.toFixed(0) : scaled.toPrecision(3)) + step.suffix;
}

function trim(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

/** Requests per second, for a headline: 0, 0.4, 12.4, 1.25k. */
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) return "<0.1";
  if (perSecond < 100) return trim(perSecond.toFixed(1));
  return short(perSecond);
}

/** A part of one as a percentage that never rounds something to nothing. */
export function percent(part: number): string {
  const hundredths = part * 100;
  if (hundredths > 0 && hundredths < 0.1) return "<0.1%";
  if (hundredths < 100 && hundredths > 99.9) return ">99.9%";
  return `${trim(hundredths.toFixed(1))}%`;
}

/** A part of a whole; null when there is no whole. */
export const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : null);

const byteSteps = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal units: 3.1 GB. */
export function bytes(count: number): string {
  let scaled = count;
  let step = 0;
  while (scaled >= 999.5 && step < byteSteps.length - 1) {
    scaled /= 1000;
    step++;
  }
  const digits = scaled >= 100 || step === 0 ? scaled.toFixed(0) : scaled.toPrecision(3);
  return `${trim(digits)} ${byteSteps[step]}`;
}

/** Milliseconds as people say them: 0.4 ms, 12 ms, 1.25 s, 12 h. */
export function duration(ms: number): string {
  if (ms < 10) return `${trim(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${trim((ms / 1000).toPrecision(3))} s`;
  if (ms < 2 * 3_600_000) return `${trim((ms / 60_000).toFixed(1))} min`;
  if (ms < 2 * 86_400_000) return `${trim((ms / 3_600_000).toFixed(1))} h`;
  return `${trim((ms / 86_400_000).toFixed(1))} d`;
}

const pad = (n: number) => String(n).padStart(2, "0");

/** The moment in full, in the reader's time zone: 2026-03-01 14:02:31. */
export function moment(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(ms)}`;
}

/** The time of day: 14:02:31. */
export function clock(ms: number): string {
  const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

const dayMS = 86_400_000;

/** How long ago, in one unit: just now, 12 s ago, 5 min ago, 3 h ago, 2 d ago. */
export function ago(ms: number, nowMS: number): string {
  const sinceMS = Math.max(0, nowMS - ms);
  if (sinceMS < 2_000) return "just now";
  if (sinceMS < 60_000) return `${Math.floor(sinceMS / 1000)} s ago`;
  if (sinceMS < 3_600_000) return `${Math.floor(sinceMS / 60_000)} min ago`;
  if (sinceMS < dayMS) return `${Math.floor(sinceMS / 3_600_000)} h ago`;
  return `${Math.floor(sinceMS / dayMS)} d ago`;
}

/** "1 account", "3 accounts". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${exact.format(count)} ${count === 1 ? one : many}`;
}

/** A moment in a time zone, to the minute: Mar 1, 2026, 00:00. */
export function momentIn(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(ms);
}

/** How long until then, in one unit: now, in 12 s, in 5 min, in 3 h, in 2 d. */
export function until(ms: number, nowMS: number): string {
  const leftMS = ms - nowMS;
  if (leftMS < 1_000) return "now";
  if (leftMS < 60_000) return `in ${Math.ceil(leftMS / 1000)} s`;
  if (leftMS < 3_600_000) return `in ${Math.ceil(leftMS / 60_000)} min`;
  if (leftMS < 2 * dayMS) return `in ${Math.ceil(leftMS / 3_600_000)} h`;
  return `in ${Math.ceil(leftMS / dayMS)} d`;
}

/** A moment in the reader's time zone, as datetime-local inputs want it. */
export const inputMoment = (ms: number) => moment(ms).slice(0, 16).replace(" ", "T");

/** What such an input holds as RFC 3339; null while it holds no moment. */
export function isoOfInput(text: string): string | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

const zoneFormats = new Map<string, Intl.DateTimeFormat>();

/** A moment in a time zone, to the minute, as it sorts: 2026-03-01 14:02. */
export function momentInZone(ms: number, timeZone: string): string {
  let format = zoneFormats.get(timeZone);
  if (!format) {
    // Sweden writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat("sv-SE", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
    zoneFormats.set(timeZone, format);
  }
  return format.format(ms);
}
