import { describe, expect, it } from "vitest";
import {
  axisTop,
  closed,
  drawnLimits,
  isolatedSeries,
  type Series,
  stackedLayers,
  withoutIdle,
} from "./chart-series";

const series = (...values: Array<number | null>): Series[] => [
  { label: "Allowed", kind: "allowed", values },
];
const limit = { label: "requests", value: 1_000 };

describe("limit lines", () => {
  it("are drawn when usage comes near them", () => {
    expect(drawnLimits(series(10, 300), [limit])).toEqual({ drawn: [limit], above: [] });
  });
  it("are only mentioned when they would flatten everything", () => {
    expect(drawnLimits(series(10, null), [limit])).toEqual({ drawn: [], above: [limit] });
  });
  it("are within the axis", () => {
    expect(axisTop(10, [limit], 1)).toBeGreaterThan(1_000);
    expect(axisTop(null, [], 1)).toBeGreaterThan(0);
  });
});

it("holds the last value until its bucket ends, and a gap stays one", () => {
  expect(closed([0, 60], [[5, 7]], 60)).toEqual({ at: [0, 60, 120], values: [[5, 7, 7]] });
  expect(closed([0], [[null]], 60).values).toEqual([[null, null]]);
  expect(closed([], [[]], 60)).toEqual({ at: [], values: [[]] });
});

it("does not draw a line that stays at zero, but how it leaves and comes back", () => {
  expect(withoutIdle([0, 0, 0, 5, 0, 0, null, 0])).toEqual([null, null, 0, 5, 0, null, null, null]);
});

describe("stacked series", () => {
  const two: Series[] = [
    { label: "a", kind: "group1", values: [1, 2, null] },
    { label: "b", kind: "group2", values: [10, null, 30] },
    { label: "before", kind: "previous", values: [5, 5, 5] },
  ];
  it("reach to the sum of those below, the highest drawn first, what was before last", () => {
    expect(stackedLayers(two).map((s) => [s.label, s.values])).toEqual([
      ["b", [11, 2, 30]],
      ["a", [1, 2, 0]],
      ["before", [5, 5, 5]],
    ]);
  });
  it("are alone once isolated, and all there when that one is gone", () => {
    expect(isolatedSeries(two, "b").map((s) => s.label)).toEqual(["b"]);
    expect(isolatedSeries(two, "c")).toEqual(two);
    expect(isolatedSeries(two, null)).toEqual(two);
  });
  it("keep what they were before, which is a line and goes where they go", () => {
    const past = (of: string): Series => ({
      label: `${of}, before`,
      kind: "group1",
      values: [1, 1, 1],
      beforeOf: of,
    });
    const compared = [...two, past("a"), past("b")];
    expect(isolatedSeries(compared, "b").map((s) => s.label)).toEqual(["b", "b, before"]);
    expect(isolatedSeries(compared, null)).toEqual(compared);
    expect(stackedLayers(compared).at(-1)).toEqual(past("b"));
    const many = [...compared, past("c"), past("d"), past("e")];
    expect(isolatedSeries(many, null)).toEqual(two);
  });
});
