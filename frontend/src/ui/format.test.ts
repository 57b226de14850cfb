import { describe, expect, it } from "vitest";
import {
  ago,
  bytes,
  duration,
  inputMoment,
  isoOfInput,
  moment,
  momentIn,
  momentInZone,
  percent,
  plural,
  rate,
  short,
  until,
} from "./format";

describe("short", () => {
  it.each([
    [0, "0"],
    [0.25, "0.25"],
    [7, "7"],
    [87, "87"],
    [999, "999"],
    [1_000, "1k"],
    [12_431, "12.4k"],
    [123_456, "123k"],
    [999_950, "1M"],
    [3_100_000, "3.1M"],
    [2.5e12, "2.5T"],
    [-1_500, "-1.5k"],
  ])("writes %d as %s", (value, text) => expect(short(value)).toBe(text));
});

describe("rate", () => {
  it.each([
    [0, "0"],
    [0.01, "<0.1"],
    [12.44, "12.4"],
    [1_251, "1.25k"],
  ])("writes %d as %s", (value, text) => expect(rate(value)).toBe(text));
});

describe("percent", () => {
  it.each([
    [0, "0%"],
    [0.0002, "<0.1%"],
    [0.163, "16.3%"],
    [0.99999, ">99.9%"],
    [1, "100%"],
  ])("writes %d as %s", (part, text) => expect(percent(part)).toBe(text));
});

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [999_900, "1 MB"],
    [3_140_000_000, "3.14 GB"],
  ])("writes %d as %s", (count, text) => expect(bytes(count)).toBe(text));
});

it("writes durations in the unit that fits", () => {
  expect([0.42, 21.7, 1_250, 90_000, 43_200_000, 9 * 86_400_000].map(duration)).toEqual([
    "0.4 ms",
    "22 ms",
    "1.25 s",
    "1.5 min",
    "12 h",
    "9 d",
  ]);
});

it("says how long ago in one unit, and never in the future", () => {
  const now = 1e12;
  const before = [-5_000, 1_000, 12_000, 59 * 60_000, 3 * 3_600_000, 2 * 86_400_000];
  expect(before.map((ms) => ago(now - ms, now))).toEqual([
    "just now",
    "just now",
    "12 s ago",
    "59 min ago",
    "3 h ago",
    "2 d ago",
  ]);
});

it("writes moments in local time", () => {
  expect(moment(new Date(2026, 2, 1, 4, 2, 3).getTime())).toBe("2026-03-01 04:02:03");
});

it("writes counts as people do", () => {
  expect([plural(1, "account"), plural(1_200, "account")]).toEqual(["1 account", "1,200 accounts"]);
});

it("says how long until then", () => {
  const now = 1e12;
  const later = [-1, 500, 12_000, 90_000, 5 * 3_600_000, 9 * 86_400_000];
  expect(later.map((ms) => until(now + ms, now))).toEqual([
    "now",
    "now",
    "in 12 s",
    "in 2 min",
    "in 5 h",
    "in 9 d",
  ]);
});

it("writes a moment in another time zone", () => {
  expect(momentIn(Date.parse("2026-02-28T15:00:00Z"), "Asia/Tokyo")).toBe("Mar 1, 2026, 00:00");
});

it("reads what a date input holds", () => {
  const ms = new Date(2026, 2, 1, 4, 2).getTime();
  expect(isoOfInput(inputMoment(ms))).toBe(new Date(ms).toISOString());
  expect(isoOfInput("")).toBeNull();
});

it("says what the clocks of a time zone show", () => {
  const ms = Date.parse("2026-03-01T23:30:00Z");
  expect(momentInZone(ms, "Europe/Berlin")).toBe("2026-03-02 00:30");
  expect(momentInZone(ms, "UTC")).toBe("2026-03-01 23:30");
});
