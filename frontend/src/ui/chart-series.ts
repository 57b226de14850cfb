export type SeriesKind =
  | "allowed"
  | "throttled"
  | "refused"
  | "errors"
  | "total"
  | "soft"
  | "shadow"
  | "other"
  | "previous"
  | GroupKind;

const groupKinds = [
  "group1",
  "group2",
  "group3",
  "group4",
  "group5",
  "group6",
  "group1-again",
  "group2-again",
  "group3-again",
  "group4-again",
  "group5-again",
  "group6-again",
] as const;

/** How the groups of a report are told apart: by hues, then by the same ones dashed and paler. */
export type GroupKind = (typeof groupKinds)[number];
export const mostGroups = groupKinds.length;

/** The look of a report's i-th group, from 0 to mostGroups - 1. */
export const groupKind = (i: number): GroupKind => groupKinds[i % mostGroups] ?? "group1";

/** How a series is drawn; the dash tells them apart without colour. */
export type Look = {
  color: string;
  dash: number[];
  fill: boolean;
  width: number;
  /** How opaque a bar is. */
  bar?: number;
};

export const looks: Record<SeriesKind, Look> = {
  allowed: { color: "--allowed", dash: [], fill: true, width: 1.75 },
  throttled: { color: "--throttled", dash: [6, 3], fill: false, width: 2 },
  refused: { color: "--refused", dash: [2, 3], fill: false, width: 2 },
  errors: { color: "--error", dash: [8, 3, 2, 3], fill: false, width: 2 },
  soft: { color: "--soft", dash: [10, 3], fill: false, width: 2 },
  shadow: { color: "--shadow", dash: [1, 3], fill: true, width: 2 },
  total: { color: "--accent", dash: [], fill: true, width: 1.75 },
  other: { color: "--refused", dash: [2, 3], fill: false, width: 1.5, bar: 0.45 },
  previous: { color: "--ink", dash: [5, 4], fill: false, width: 1.5 },
  ...groupLooks(),
};

function groupLooks(): Record<GroupKind, Look> {
  const look = (kind: GroupKind): Look => {
    const again = kind.endsWith("-again");
    const color = `--${kind.replace("-again", "").replace("group", "group-")}`;
    return { color, dash: again ? [6, 3] : [], fill: false, width: 1.75, bar: again ? 0.5 : 0.9 };
  };
  return Object.fromEntries(groupKinds.map((kind) => [kind, look(kind)])) as Record<
    GroupKind,
    Look
  >;
}

export type Series = {
  label: string;
  kind: SeriesKind;
  values: Array<number | null>;
  /** Unique on its chart, where the label may not be. */
  id?: string;
  /** The id of the series of which this is what was before; drawn in its colour. */
  beforeOf?: string;
};

/** What was before is a thin line, whatever else is drawn. */
export const isBefore = (s: Series) => s.kind === "previous" || s.beforeOf !== undefined;

/** How a series is drawn. */
export function lookOf(s: Pick<Series, "kind" | "beforeOf">): Look {
  const look = looks[s.kind];
  return s.beforeOf === undefined ? look : { ...look, dash: [2, 3], width: 1.25, fill: false };
}

export const idOf = (s: Series) => s.id ?? s.label;

/** Of how many groups what was before is drawn beside them; of more, nobody could read it. */
const mostBefore = 4;

/** One series alone, with what it was before; all of them when it isn't there. */
export function isolatedSeries(series: Series[], id: string | null): Series[] {
  if (id !== null && series.some((s) => idOf(s) === id)) {
    return series.filter((s) => idOf(s) === id || s.beforeOf === id);
  }
  const befores = series.filter((s) => s.beforeOf !== undefined).length;
  return befores > mostBefore ? series.filter((s) => s.beforeOf === undefined) : series;
}

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

/**
 * Layers that look stacked when they are drawn in their order: each reaches from
 * the axis to the sum of its series and those before it, the highest first. What
 * was before stays a line on top.
 */
export function stackedLayers(series: Series[]): Series[] {
  const lines = series.filter(isBefore);
  const bars = series.filter((s) => !isBefore(s));
  const sums: number[] = [];
  const layers = bars.map((s) => ({
    ...s,
    values: s.values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + (value ?? 0);
      return sums[i];
    }),
  }));
  return [...layers.reverse(), ...lines];
}
