import { describe, expect, it } from "vitest";
import { change, changeWords, type Figures, groupCells, groupRows } from "./figures";

const figures = (own: Partial<Figures> = {}): Figures => ({
  requests: 0,
  throttled: 0,
  shadowed: 0,
  errors: 0,
  cost: 0,
  bytesIn: 0,
  bytesOut: 0,
  ...own,
});

describe("change against the previous period", () => {
  it.each([
    [125, 100, "+25%"],
    [50, 100, "−50%"],
    [100, 100, "±0%"],
    [2_500, 100, "+2,400%"],
    [5, 0, "new"],
    [0, 0, "–"],
    [null, 100, "–"],
    [5, null, "–"],
  ])("from %s, with %s before: %s", (now, before, words) => {
    expect(changeWords(now, before)).toBe(words);
  });
  it("keeps its sign where corrections made the past negative", () => {
    expect(change(10, -10)).toBe(2);
  });
});

describe("rows of groups", () => {
  const group = (label: string, requests: number, own: Partial<Figures> = {}) => ({
    label,
    values: [label],
    totals: figures({ requests, ...own }),
    previous: figures({ requests: requests / 2 }),
    series: { requests: [requests, null] },
  });
  const requests = { column: "requests", unit: "requests" } as const;

  it("have their part of the whole, and end with everything else", () => {
    const rows = groupRows(
      [group("a", 60), group("b", 30)],
      { ...group("x", 10), values: [] },
      figures({ requests: 100 }),
      requests,
    );
    expect(rows.map((r) => [r.label, r.value, r.share, r.before])).toEqual([
      ["a", 60, 0.6, 30],
      ["b", 30, 0.3, 15],
      ["Everything else", 10, 0.1, 5],
    ]);
    expect(rows.map((r) => r.values)).toEqual([["a"], ["b"], null]);
    expect(groupCells(rows.slice(0, 1), true)).toEqual([["a", 60, 0.6, 30, 1]]);
    expect(groupCells(rows.slice(0, 1), false)).toEqual([["a", 60, 0.6]]);
  });
  it("share requests where latency is shown, which has no sum", () => {
    const slow = group("a", 25, { latency: { p50: 1, p95: 9, p99: 20 } });
    const [row] = groupRows([slow], null, figures({ requests: 100 }), {
      column: "p95",
      unit: "ms",
    });
    expect(row).toMatchObject({ value: 9, share: 0.25, before: null });
  });
  it("have no share below 0 or above the whole, where corrections made one negative", () => {
    const groups = [group("a", 111), group("b", 100), group("c", -2)];
    const rows = groupRows(groups, null, figures({ requests: 110 }), requests);
    expect(rows.map((r) => r.share)).toEqual([null, 100 / 110, null]);
  });
  it("have no share of nothing", () => {
    const [row] = groupRows([group("a", 0)], null, figures(), requests);
    expect(row?.share).toBeNull();
  });
});
