import type { Cell } from "~/ui/csv";
import { bytes, duration, exact, percent, short } from "~/ui/format";
import type { Column, Unit } from "./question";

type Latency = { p50: number | null; p95: number | null; p99: number | null };

/** Sums of usage, as far as they were asked for. */
export type Figures = {
  requests: number;
  throttled: number;
  shadowed: number;
  errors: number;
  cost: number;
  bytesIn: number;
  bytesOut: number;
  latency?: Latency | undefined;
  meters?: Array<{ amount: number }> | undefined;
};

/** What a report shows of each group: a measure, or the first custom meter asked for. */
export type Shown = { column: Column | "meter"; unit: Unit };

/** The shown figure; null where there is none, as latency without requests. */
export function figure(f: Figures, { column }: Shown): number | null {
  if (column === "meter") return f.meters?.[0]?.amount ?? 0;
  if (column === "p50" || column === "p95" || column === "p99") return f.latency?.[column] ?? null;
  return f[column];
}

type Columns = Partial<Record<Column, Array<number | null> | undefined>> & {
  meters?: Array<{ amount: number[] }> | undefined;
};

/** The shown figure along the points; empty where there are none. */
export function along(columns: Columns | null | undefined, { column }: Shown) {
  if (column === "meter") return columns?.meters?.[0]?.amount ?? [];
  return columns?.[column] ?? [];
}

/** Change against what was before: 0.25 is a quarter more. Null when there was nothing. */
export function change(now: number | null, before: number | null): number | null {
  if (now === null || before === null || before === 0) return null;
  return (now - before) / Math.abs(before);
}

/** +25%, −12.5%, or what replaces it where nothing can be compared. */
export function changeWords(now: number | null, before: number | null): string {
  const by = change(now, before);
  if (by === null) return before === 0 && (now ?? 0) > 0 ? "new" : "–";
  if (by === 0) return "±0%";
  return `${by > 0 ? "+" : "−"}${by >= 10 ? `${exact.format(by * 100)}%` : percent(Math.abs(by))}`;
}

/** A figure in full, with its unit where the heading doesn't say it. */
export function inFull(value: number | null, unit: Unit): string {
  if (value === null) return "–";
  if (unit === "bytes") return bytes(value);
  return unit === "ms" ? duration(value) : exact.format(value);
}

/** A figure on an axis. */
export function onAxis(value: number, unit: Unit): string {
  if (unit === "bytes") return bytes(value);
  return unit === "ms" ? duration(value) : short(value);
}

export type GroupRow = {
  /** Unique within the report. */
  id: string;
  label: string;
  /** What to narrow by; null for the sum of what is not listed. */
  values: string[] | null;
  value: number | null;
  /** 0 to 1; null where there is none, as where corrections made a part or the rest negative. */
  share: number | null;
  before: number | null;
  line: Array<number | null>;
};

type Group = {
  label: string;
  values: string[];
  totals: Figures;
  previous: Figures | null;
  series: Columns | null;
};

const otherId = "other";

/** One row a group, and one for what is not listed. */
export function groupRows(
  groups: Group[],
  other: Group | null,
  totals: Figures,
  shown: Shown,
): GroupRow[] {
  const whole = shown.unit === "ms" ? totals.requests : (figure(totals, shown) ?? 0);
  const row = (g: Group, id: string): GroupRow => {
    const part = shown.unit === "ms" ? g.totals.requests : (figure(g.totals, shown) ?? 0);
    return {
      id,
      label: g.label,
      values: id === otherId ? null : g.values,
      value: figure(g.totals, shown),
      share: whole > 0 && part >= 0 && part <= whole ? part / whole : null,
      before: g.previous && figure(g.previous, shown),
      line: along(g.series, shown),
    };
  };
  const rows = groups.map((g) => row(g, g.values.join(" ")));
  return other ? [...rows, row({ ...other, label: "Everything else" }, otherId)] : rows;
}

/** The rows as they are shown, for a spreadsheet. */
export function groupCells(rows: GroupRow[], compared: boolean): Cell[][] {
  return rows.map((r) => [
    r.label,
    r.value,
    r.share,
    ...(compared ? [r.before, change(r.value, r.before)] : []),
  ]);
}
