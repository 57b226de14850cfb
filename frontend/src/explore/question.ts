import { type Granularity, granularityMS, mostPoints, readableGranularity } from "~/app/range";

/** What usage can be narrowed and split by, by its name in the URL. */
export const dimensions = {
  account: { value: "ACCOUNT", label: "Account", field: "accountIds" },
  key: { value: "KEY", label: "Key", field: "keyIds" },
  endpoint: { value: "ENDPOINT", label: "Endpoint", field: "endpointIds" },
  tier: { value: "TIER", label: "Tier", field: "tierIds" },
  status: { value: "STATUS", label: "Status", field: "statuses" },
  decision: { value: "DECISION", label: "Decision", field: "decisions" },
} as const;

export type Dimension = keyof typeof dimensions;
export const dimensionNames = Object.keys(dimensions) as Dimension[];
const isDimension = (s: string | null | undefined): s is Dimension =>
  s !== null && s !== undefined && Object.hasOwn(dimensions, s);

/** Stands for usage without an account, key, endpoint or tier. */
export const none = "NONE";

const decisionNames = [
  "ALLOWED",
  "THROTTLED",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "UNREADY",
  "CORRECTED",
  "IMPORTED",
] as const;
export type Decision = (typeof decisionNames)[number];
const isDecision = (s: string): s is Decision => decisionNames.some((d) => d === s);

/** A column of a report's points. */
export type Column =
  | "requests"
  | "throttled"
  | "shadowed"
  | "errors"
  | "cost"
  | "bytesIn"
  | "bytesOut"
  | "p50"
  | "p95"
  | "p99";
export type Rank =
  | "REQUESTS"
  | "THROTTLED"
  | "SHADOWED"
  | "ERRORS"
  | "COST"
  | "BYTES_IN"
  | "BYTES_OUT";
export type Unit = "requests" | "units" | "bytes" | "ms";

type Measure = { label: string; column: Column; unit: Unit; rank: Rank };

/** What can be shown, by its name in the URL. Latency has no sum, so it is ranked by requests. */
export const measures = {
  requests: { label: "Requests", column: "requests", unit: "requests", rank: "REQUESTS" },
  throttled: { label: "Throttled", column: "throttled", unit: "requests", rank: "THROTTLED" },
  shadowed: { label: "Shadowed", column: "shadowed", unit: "requests", rank: "SHADOWED" },
  errors: { label: "Errors (5xx)", column: "errors", unit: "requests", rank: "ERRORS" },
  cost: { label: "Cost", column: "cost", unit: "units", rank: "COST" },
  "bytes-in": { label: "Bytes in", column: "bytesIn", unit: "bytes", rank: "BYTES_IN" },
  "bytes-out": { label: "Bytes out", column: "bytesOut", unit: "bytes", rank: "BYTES_OUT" },
  p50: { label: "Latency p50", column: "p50", unit: "ms", rank: "REQUESTS" },
  p95: { label: "Latency p95", column: "p95", unit: "ms", rank: "REQUESTS" },
  p99: { label: "Latency p99", column: "p99", unit: "ms", rank: "REQUESTS" },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof measures;
const isMeasure = (s: string): s is MeasureName => Object.hasOwn(measures, s);

export const comparisons = {
  previous: { value: "PREVIOUS_PERIOD", label: "The period before" },
  year: { value: "PREVIOUS_YEAR", label: "A year before" },
} as const;
export type Comparison = keyof typeof comparisons;

export const granularities: Record<Granularity, { label: string; per: string }> = {
  MINUTE: { label: "Minutes", per: "minute" },
  HOUR: { label: "Hours", per: "hour" },
  DAY: { label: "Days", per: "day" },
  MONTH: { label: "Months", per: "month" },
};
const finestFirst: Granularity[] = ["MINUTE", "HOUR", "DAY", "MONTH"];

export const tops = [5, 10, 20, 50, 100];
export const defaultTop = 10;
const maxCells = 60_000; // points × groups that the server puts into one answer

export type Filter = Partial<Record<Dimension, string[]>>;

/** What the explorer asks, as it stands in the URL. */
export type Question = {
  filter: Filter;
  /** At most two; empty splits by nothing. */
  groupBy: Dimension[];
  measure: MeasureName;
  /** The custom meter that is shown instead of `measure`. */
  meter: string | null;
  /** Null: what is readable. */
  granularity: Granularity | null;
  /** utc, mine, account, or an IANA name. */
  zone: string;
  compare: Comparison | null;
  top: number;
};

/** Reads a question; what can't be read is as if it weren't there. */
export function questionFromQuery(query: URLSearchParams): Question {
  const filter: Filter = {};
  for (const name of dimensionNames) {
    const values = (query.get(name) ?? "").split(",").filter((v) => isValue(name, v));
    if (values.length > 0) filter[name] = [...new Set(values)];
  }
  const shown = query.get("measure") ?? "";
  const compare = query.get("compare") ?? "";
  const granularity = query.get("points")?.toUpperCase() ?? "";
  const top = Number(query.get("top"));
  return {
    filter,
    groupBy: groupByOf(query.get("group"), shown.startsWith("meter:")),
    measure: isMeasure(shown) ? shown : "requests",
    meter: shown.startsWith("meter:") ? shown.slice("meter:".length) : null,
    granularity: Object.hasOwn(granularities, granularity) ? (granularity as Granularity) : null,
    zone: query.get("zone") || "utc",
    compare: Object.hasOwn(comparisons, compare) ? (compare as Comparison) : null,
    top: tops.includes(top) ? top : defaultTop,
  };
}

/** Custom meters are counted by everything but what the gateway answered. */
export const isMetered = (d: Dimension) => d !== "status" && d !== "decision";

/** Without a choice, requests are split by what became of them, and meters by whose they are. */
function groupByOf(text: string | null, metered: boolean): Dimension[] {
  if (text === null) return [metered ? "account" : "decision"];
  return [...new Set(text.split(",").filter(isDimension))].slice(0, 2);
}

function isValue(dimension: Dimension, value: string): boolean {
  if (dimension === "status") return /^(0|\d{3})$/.test(value);
  if (dimension === "decision") return isDecision(value);
  return value !== "";
}

/** What to change in the URL so that a filter takes these values. */
export const filterChange = (dimension: Dimension, values: string[]) => ({
  [dimension]: values.join(",") || null,
});

/** Narrows a filter to one group of a report. */
export function narrowTo(groupBy: Dimension[], values: string[]): Record<string, string | null> {
  return Object.assign(
    {},
    ...groupBy.map((dimension, i) => filterChange(dimension, [values[i] ?? none])),
  );
}

export const isFiltered = (q: Question) => Object.keys(q.filter).length > 0;

/** A filter as the API wants it. */
export function filterInput(filter: Filter) {
  const { account, key, endpoint, tier, status, decision } = filter;
  return {
    ...(account && { accountIds: account }),
    ...(key && { keyIds: key }),
    ...(endpoint && { endpointIds: endpoint }),
    ...(tier && { tierIds: tier }),
    ...(status && { statuses: status.map(Number) }),
    ...(decision && { decisions: decision.filter(isDecision) }),
  };
}

/** The granularity asked for, or the finest that can be read over so long a time. */
export const granularityOf = (q: Question, spanMS: number): Granularity =>
  q.granularity ?? readableGranularity(spanMS);

/** Whether an answer with that granularity could hold all groups. */
export function fits(granularity: Granularity, spanMS: number, groups: number): boolean {
  if (granularity === "MONTH") return true;
  const points = spanMS / granularityMS[granularity];
  return points <= mostPoints && points * (groups + 2) <= maxCells;
}

/** The granularities that are coarser than one, finest first. */
export const coarserThan = (granularity: Granularity): Granularity[] =>
  finestFirst.slice(finestFirst.indexOf(granularity) + 1);

/** The account that a question is about, when it is exactly one. */
export function onlyAccount(q: Question): string | null {
  const accounts = q.filter.account ?? [];
  return accounts.length === 1 && accounts[0] !== none ? (accounts[0] ?? null) : null;
}

/** An IANA name for a zone in the URL. */
export function zoneName(zone: string, accountZone: string | null): string {
  if (zone === "mine") return Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone === "account") return accountZone ?? "UTC";
  return zone === "utc" ? "UTC" : zone;
}
