import { describe, expect, it } from "vitest";
import { type Adjustment, adjustmentWords, amountOf, isComplete, newClientId } from "./correct";

const adjustment = (own: Partial<Adjustment>): Adjustment => ({
  account: "Acme",
  takes: true,
  requests: 0,
  cost: 0,
  bytesIn: 0,
  bytesOut: 0,
  metered: null,
  atMS: Date.parse("2026-03-01T14:02:00Z"),
  ...own,
});

describe("an adjustment in words", () => {
  it.each([
    [
      { requests: 1_500, cost: 20 },
      "Takes 1,500 requests and 20 cost units away from Acme at 2026-03-01 14:02 UTC.",
    ],
    [{ takes: false, requests: 1 }, "Adds 1 request to Acme at 2026-03-01 14:02 UTC."],
    [
      { requests: 2, bytesIn: 1, metered: { meter: "Tokens", unit: "tokens", amount: 5_000 } },
      "Takes 2 requests, 1 byte in, and 5,000 tokens of Tokens away from Acme at 2026-03-01 14:02 UTC.",
    ],
    [{ bytesOut: 3_000 }, "Takes 3,000 bytes out away from Acme at 2026-03-01 14:02 UTC."],
    [{ cost: 1 }, "Takes 1 cost unit away from Acme at 2026-03-01 14:02 UTC."],
  ])("says what %o will do", (own, words) => {
    expect(adjustmentWords(adjustment(own))).toBe(words);
    expect(isComplete(adjustment(own))).toBe(true);
  });
  it.each([
    [{}, "Give how much of something."],
    [
      { requests: 1, metered: { meter: "Tokens", unit: "tokens", amount: null } },
      "Give whole numbers from 0 on.",
    ],
    [{ requests: null }, "Give whole numbers from 0 on."],
    [{ requests: 5, atMS: null }, "Give the minute that it counts in."],
  ])("says what is missing of %o", (own, words) => {
    expect(adjustmentWords(adjustment(own))).toBe(words);
    expect(isComplete(adjustment(own))).toBe(false);
  });
});

it("reads amounts, never negative ones", () => {
  expect(["", "12", "1,500", "-3", "1.5", "x"].map(amountOf)).toEqual([
    0,
    12,
    1500,
    null,
    null,
    null,
  ]);
});

it("gives each correction an id of its own", () => {
  expect(newClientId()).not.toBe(newClientId());
});
