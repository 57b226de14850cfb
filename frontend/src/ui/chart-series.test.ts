import { describe, expect, it } from "vitest";
import { axisTop, closed, drawnLimits, type Series, withoutIdle } from "./chart-series";

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
