import { describe, expect, it } from "vitest";
import type { Limit } from "~/limit/fields";
import {
  draftOf,
  gets,
  inputOf,
  type OverrideDraft,
  type SavedOverride,
} from "./account-override-form";

const nowMS = Date.parse("2026-03-01T00:00:00Z");
const limitOf = (own: Partial<Limit>): Limit => ({
  id: "l1",
  name: "requests",
  subject: "ACCOUNT",
  selector: "ALL",
  endpoint: null,
  group: null,
  measure: "REQUESTS",
  kind: "RATE",
  amount: 1_000,
  period: "HOUR",
  burst: 1_000,
  mode: "ENFORCE",
  gracePercent: null,
  graceSeconds: null,
  failMode: "OPEN",
  refundErrors: false,
  adaptive: null,
  ...own,
});
const savedOf = (own: Partial<SavedOverride>): SavedOverride => ({
  amount: 5_000,
  burst: null,
  mode: null,
  until: null,
  note: "a launch",
  ...own,
});
const sent = (limit: Limit, saved: SavedOverride | null, edit: Partial<OverrideDraft> = {}) =>
  inputOf({ ...draftOf(limit, saved), ...edit }, limit, saved, nowMS);

describe("an override of which only the note is edited", () => {
  it.each<[string, Partial<Limit>, Partial<SavedOverride>, object]>([
    [
      "keeps a burst like its amount, and the seconds of its end",
      { burst: 1_200 },
      { burst: 5_000, until: "2026-12-01T12:34:56Z" },
      { amount: 5_000, burst: 5_000, until: "2026-12-01T12:34:56Z" },
    ],
    ["keeps the limit's burst, which is like the amount", {}, {}, { amount: 5_000 }],
    ["keeps the limit's burst, which is not", { burst: 1_200 }, {}, { amount: 5_000 }],
    [
      "keeps the limit's burst and mode in soft mode",
      { amount: 10, burst: 10, mode: "SOFT" },
      { amount: 50 },
      { amount: 50 },
    ],
    [
      "keeps a burst that is a number like the limit's",
      {},
      { burst: 1_000, mode: "ENFORCE" },
      { amount: 5_000, burst: 1_000, mode: "ENFORCE" },
    ],
    [
      "keeps fractions of a second",
      {},
      { until: "2026-12-01T12:34:56.789Z" },
      { amount: 5_000, until: "2026-12-01T12:34:56.789Z" },
    ],
    [
      "keeps odd numbers of bytes",
      { measure: "BYTES" },
      { amount: 123_456_789, burst: 1_500_000_000 },
      { amount: 123_456_789, burst: 1_500_000_000 },
    ],
    ["keeps a quota without a burst", { kind: "QUOTA", burst: null }, {}, { amount: 5_000 }],
  ])("%s", (_, limit, saved, want) => {
    expect(sent(limitOf(limit), savedOf(saved), { note: " why " })).toEqual({
      input: { ...want, note: "why" },
    });
  });
});

describe("the burst", () => {
  it("can be the limit's again", () => {
    expect(sent(limitOf({}), savedOf({ burst: 9_000 }), { burstOf: "LIMIT" })).toEqual({
      input: { amount: 5_000, note: "a launch" },
    });
  });
  it("stays a number when only the amount is edited", () => {
    expect(sent(limitOf({}), savedOf({ burst: 5_000 }), { amount: "6,000" })).toEqual({
      input: { amount: 6_000, burst: 5_000, note: "a launch" },
    });
  });
  it("of a new override is the amount where the limit's is", () => {
    expect(sent(limitOf({}), null, { amount: "700" })).toEqual({
      input: { amount: 700, burst: 700, note: "" },
    });
  });
  it("of a new override is the limit's where that is not the amount", () => {
    expect(sent(limitOf({ burst: 1_200 }), null, { amount: "700" })).toEqual({
      input: { amount: 700, note: "" },
    });
  });
});

it("an edited end is taken to the second, and an emptied one is for good", () => {
  const saved = savedOf({ until: "2026-12-01T12:34:56Z" });
  const until = new Date(2026, 10, 5, 6, 7, 8).toISOString();
  expect(sent(limitOf({}), saved, { until: "2026-11-05T06:07:08" })).toMatchObject({
    input: { until },
  });
  expect(sent(limitOf({}), saved, { until: "" })).toEqual({
    input: { amount: 5_000, note: "a launch" },
  });
});

it.each<[string, Partial<OverrideDraft>]>([
  ["amount", { amount: "0" }],
  ["burst", { burstOf: "OWN", burst: "" }],
  ["burst", { burstOf: "OWN", burst: "1.5" }],
  ["until", { until: "2026-02-28T00:00" }],
  ["until", { until: "soon" }],
])("a problem with its %s is named: %o", (field, edit) => {
  const result = sent(limitOf({}), savedOf({}), edit);
  expect("problems" in result && Object.keys(result.problems)).toEqual([field]);
});

describe("what the account gets", () => {
  it.each<[string, Partial<Limit>, Partial<SavedOverride>]>([
    ["5,000/h, burst 5,000", {}, { burst: 5_000 }],
    ["5,000/h", {}, {}],
    ["5,000/h", {}, { burst: 1_000 }],
    ["5 kB/h, burst 1.5 MB", { measure: "BYTES" }, { burst: 1_500_000 }],
    ["5,000/month", { kind: "QUOTA", period: "MONTH", burst: null }, {}],
  ])("%s", (words, limit, saved) => {
    expect(gets(limitOf(limit), savedOf(saved))).toBe(words);
  });
});
