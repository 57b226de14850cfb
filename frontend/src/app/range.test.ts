import { describe, expect, it } from "vitest";
import {
  isAnswerable,
  queryWithRange,
  type Range,
  rangeFromQuery,
  readableGranularity,
  sharedQuery,
  windowOf,
} from "./range";

const query = (text: string) => new URLSearchParams(text);
const hourMS = 3_600_000;

describe("the range in the URL", () => {
  it.each<Range>([
    { preset: "15m" },
    { preset: "1h" },
    { preset: "30d" },
    { preset: null, fromMS: 1_700_000_000_000, toMS: 1_700_000_600_000 },
  ])("survives the way there and back: %o", (range) => {
    expect(rangeFromQuery(queryWithRange(query(""), range))).toEqual(range);
  });
  it("leaves other parameters alone, and drops the range it replaces", () => {
    const next = queryWithRange(query("from=x&to=y&search=acme"), { preset: "6h" });
    expect(next.toString()).toBe("search=acme&range=6h");
  });
  it.each([
    "range=forever",
    "range=toString",
    "from=2026-01-02&to=2026-01-01",
    "from=never&to=now",
  ])("falls back to the last hour for %s", (text) =>
    expect(rangeFromQuery(query(text))).toEqual({ preset: "1h" }),
  );
  it("is carried from page to page with the live switch, and nothing else is", () => {
    expect(sharedQuery(query("search=acme&range=6h&live=off")).toString()).toBe(
      "range=6h&live=off",
    );
  });
});

describe("windowOf", () => {
  it("reaches from a whole minute into the current one", () => {
    const now = Date.UTC(2026, 0, 1, 12, 30, 42);
    const { fromMS, toMS, open } = windowOf({ preset: "15m" }, now);
    expect([fromMS, toMS].map((ms) => new Date(ms).toISOString().slice(11, 19))).toEqual([
      "12:16:00",
      "12:31:00",
    ]);
    expect(open).toBe(true);
  });
});

describe("granularity", () => {
  it("stays readable", () => {
    expect([1, 12, 24, 24 * 30, 24 * 800].map((h) => readableGranularity(h * hourMS))).toEqual([
      "MINUTE",
      "MINUTE",
      "HOUR",
      "DAY",
      "MONTH",
    ]);
  });
  it("knows what the server refuses", () => {
    expect(isAnswerable("MINUTE", 30 * 24 * hourMS)).toBe(false);
    expect(isAnswerable("HOUR", 30 * 24 * hourMS)).toBe(true);
  });
});
