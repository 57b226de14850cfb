import { bytes, exact, plural } from "~/ui/format";
import type { Adaptive, Kind, Limit, Measure, Mode, Period, Subject } from "./fields";

/** What is said of a limit, without what only the server needs. */
export type LimitWords = Omit<Limit, "id" | "name" | "endpoint" | "group"> & {
  endpoint: { method: string; template: string } | null;
  group: { name: string } | null;
};

/** What a limit is worth telling apart by, besides what only the server needs. */
export type NamedLimit = LimitWords & { id: string | null; name: string };

export const subjectWords: Record<Subject, string> = {
  ACCOUNT: "The account",
  KEY: "Each key",
  ADDRESS: "Each address",
};

export const modeWords: Record<Mode, string> = {
  ENFORCE: "enforce",
  SOFT: "soft",
  SHADOW: "shadow",
};

const periodWords: Record<Period, string> = {
  SECOND: "second",
  MINUTE: "minute",
  HOUR: "hour",
  DAY: "day",
  MONTH: "month",
  BILLING: "billing period",
};

const periodSigns: Record<Period, string> = {
  SECOND: "s",
  MINUTE: "min",
  HOUR: "h",
  DAY: "day",
  MONTH: "month",
  BILLING: "billing period",
};

export const periodsOf: Record<Kind, Period[]> = {
  RATE: ["SECOND", "MINUTE", "HOUR", "DAY"],
  WINDOW: ["SECOND", "MINUTE", "HOUR", "DAY"],
  QUOTA: ["HOUR", "DAY", "MONTH", "BILLING"],
};

/** A period as it stands in a list of choices. */
export function periodLabel(period: Period, kind: Kind): string {
  return kind === "QUOTA" && period !== "BILLING"
    ? `calendar ${periodWords[period]}`
    : periodWords[period];
}

const byteUnits = [
  { unit: "TB", size: 1e12 },
  { unit: "GB", size: 1e9 },
  { unit: "MB", size: 1e6 },
  { unit: "kB", size: 1e3 },
];

/** A number of bytes in the largest unit that leaves nothing out: 500 MB, 1.5 GB. */
export function exactBytes(count: number): string {
  const fits = byteUnits.find(({ size }) => count >= size && (count * 100) % size === 0);
  return fits ? `${count / fits.size} ${fits.unit}` : `${exact.format(count)} B`;
}

/** An amount by itself: 1,000 or 500 MB. */
export const figure = (count: number, measure: Measure) =>
  measure === "BYTES" ? (count < 0 ? `-${bytes(-count)}` : bytes(count)) : exact.format(count);

/** An amount with its unit: 1,000 requests, 500 MB, 40 cost units. */
export function quantity(count: number, measure: Measure): string {
  if (measure === "BYTES") return exactBytes(count);
  return measure === "COST" ? plural(count, "cost unit") : plural(count, "request");
}

/** A limit as it is written where there is little room: 1,000/min, 500 MB/h. */
export function brief(limit: Pick<Limit, "measure" | "kind" | "amount" | "period">): string {
  const unit = limit.measure === "COST" ? " units" : "";
  const amount =
    limit.measure === "BYTES" ? exactBytes(limit.amount) : exact.format(limit.amount) + unit;
  if (limit.kind === "WINDOW") return `${amount} in any ${periodSigns[limit.period]}`;
  return `${amount}/${periodSigns[limit.period]}`;
}

/** Which requests it counts: all endpoints, writes only. */
export function scopeWords(limit: Pick<LimitWords, "selector" | "endpoint" | "group">): string {
  switch (limit.selector) {
    case "READS":
      return "reads only";
    case "WRITES":
      return "writes only";
    case "ENDPOINT":
      return limit.endpoint
        ? `${limit.endpoint.method === "*" ? "any method" : limit.endpoint.method} ${limit.endpoint.template} only`
        : "one endpoint";
    case "GROUP":
      return limit.group ? `endpoints of ${limit.group.name}` : "one endpoint group";
    default:
      return "all endpoints";
  }
}

function allowance(limit: LimitWords): string {
  const amount = quantity(limit.amount, limit.measure);
  const period = periodWords[limit.period];
  if (limit.kind === "WINDOW") return `never more than ${amount} in any ${period}`;
  if (limit.kind === "QUOTA") {
    return `a budget of ${amount} per ${periodLabel(limit.period, "QUOTA")}`;
  }
  const burst =
    limit.burst === null || limit.burst === limit.amount
      ? ""
      : `, bursts of ${limit.measure === "BYTES" ? exactBytes(limit.burst) : exact.format(limit.burst)}`;
  return `at most ${amount} per ${period}${burst}`;
}

/** Seconds in the largest unit that leaves nothing out: 90 s, 15 min, 2 h. */
export function exactSeconds(seconds: number): string {
  const units = [
    { unit: "d", size: 86_400 },
    { unit: "h", size: 3_600 },
    { unit: "min", size: 60 },
  ];
  const fits = units.find(({ size }) => seconds >= size && seconds % size === 0);
  return fits ? `${seconds / fits.size} ${fits.unit}` : `${seconds} s`;
}

export function modeSentence(limit: Pick<Limit, "mode" | "gracePercent" | "graceSeconds">): string {
  if (limit.mode === "ENFORCE") return "enforce";
  if (limit.mode === "SHADOW") return "shadow, only counts";
  const until = [
    ...(limit.gracePercent === null ? [] : [`${limit.gracePercent}% over`]),
    ...(limit.graceSeconds === null ? [] : [`${exactSeconds(limit.graceSeconds)} over`]),
  ];
  return until.length === 0 ? "soft, never enforces" : `soft, enforces from ${until.join(" or ")}`;
}

export function adaptiveSentence(adaptive: Adaptive): string {
  const bounds = [
    ...(adaptive.errorPercent === null ? [] : [`over ${adaptive.errorPercent}% errors`]),
    ...(adaptive.slowMs === null
      ? []
      : [`over ${adaptive.slowPercent ?? 0}% slower than ${adaptive.slowMs} ms`]),
  ];
  return `tightens to as little as ${adaptive.floorPercent}% at ${bounds.join(" or ")}`;
}

/** What the kind does when nobody says otherwise. */
export const usualFailMode = (kind: Kind) => (kind === "QUOTA" ? "CLOSED" : "OPEN");

/** What a limit does, in one sentence. */
export function sentence(limit: LimitWords): string {
  const extras = [
    modeSentence(limit),
    ...(limit.refundErrors ? ["5xx given back"] : []),
    ...(limit.adaptive && limit.kind !== "QUOTA" ? [adaptiveSentence(limit.adaptive)] : []),
    ...(limit.failMode === usualFailMode(limit.kind)
      ? []
      : [limit.failMode === "OPEN" ? "fails open" : "fails closed"]),
  ];
  return `${subjectWords[limit.subject]}: ${allowance(limit)}, ${scopeWords(limit)}; ${extras.join("; ")}`;
}
