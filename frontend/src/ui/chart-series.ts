export type SeriesKind =
  | "allowed"
  | "throttled"
  | "refused"
  | "errors"
  | "total"
  | "soft"
  | "shadow";

/** How a series is drawn; the dash tells them apart without colour. */
export type Look = { color: string; dash: number[]; fill: boolean; width: number };

export const looks: Record<SeriesKind, Look> = {
  allowed: { color: "--allowed", dash: [], fill: true, width: 1.75 },
  throttled: { color: "--throttled", dash: [6, 3], fill: false, width: 2 },
  refused: { color: "--refused", dash: [2, 3], fill: false, width: 2 },
  errors: { color: "--error", dash: [8, 3, 2, 3], fill: false, width: 2 },
  soft: { color: "--soft", dash: [10, 3], fill: false, width: 2 },
  shadow: { color: "--shadow", dash: [1, 3], fill: true, width: 2 },
  total: { color: "--accent", dash: [], fill: true, width: 1.75 },
};

export type Series = { label: string; kind: SeriesKind; values: Array<number | null> };

/** A line across the chart, such as an account's limit. */
export type LimitLine = { label: string; value: number };

/** A limit is drawn when the usage comes this close to it; else it would flatten everything. */
const showLimitFrom = 0.2;

/** Splits limit lines into those worth drawing and those far above the data. */
export function drawnLimits(series: Series[], limits: LimitLine[]) {
  const top = Math.max(0, ...series.flatMap((s) => s.values.map((v) => v ?? 0)));
  const drawn = limits.filter((l) => top >= l.value * showLimitFrom);
  return { drawn, above: limits.filter((l) => !drawn.includes(l)) };
}

/** The top of the value axis: a little above the data and the limits that are drawn. */
export function axisTop(dataMax: number | null, drawn: LimitLine[], atLeast: number): number {
  const most = Math.max(dataMax ?? 0, atLeast, ...drawn.map((l) => l.value));
  return most * 1.1;
}

/** The last value holds until the end of its bucket, so the series gets a closing point. */
export function closed(at: number[], values: Array<number | null>[], bucketS: number) {
  const last = at.at(-1);
  if (last === undefined) return { at, values };
  return {
    at: [...at, last + bucketS],
    values: values.map((v) => [...v, v.at(-1) ?? null]),
  };
}

/**
 * What is drawn of a line: nothing where it stays at zero. Several lines on top
 * of the axis would hide one another, and say nothing; legend and table do.
 */
export function withoutIdle(values: Array<number | null>): Array<number | null> {
  const idle = (i: number) => (values[i] ?? 0) === 0;
  return values.map((value, i) => (idle(i - 1) && idle(i) && idle(i + 1) ? null : value));
}
