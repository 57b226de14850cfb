import { describe, expect, it } from "vitest";
import {
  draftOf,
  draftProblems,
  isDirty,
  planLines,
  retentionInput,
} from "./settings-retention-form";

const levels = [
  { granularity: "MINUTE" as const, days: 30 },
  { granularity: "HOUR" as const, days: 365 },
  { granularity: "DAY" as const, days: 0 },
  { granularity: "MONTH" as const, days: 0 },
];
const base = draftOf(levels);

describe("a retention that is being typed", () => {
  it("is what it was until a number changes", () => {
    expect(base).toEqual({ minutes: "30", hours: "365", days: "", months: "" });
    expect(isDirty({ ...base, hours: " 365" }, base)).toBe(false);
    expect(isDirty({ ...base, minutes: "" }, base)).toBe(true);
    expect(retentionInput({ ...base, days: "1,000" })).toEqual({
      minutes: 30,
      hours: 365,
      days: 1000,
      months: 0,
    });
  });
  it("keeps coarser usage at least as long, as the server wants it", () => {
    expect(draftProblems(base)).toEqual({});
    expect(Object.keys(draftProblems({ ...base, hours: "29" }))).toEqual(["hours"]);
    expect(Object.keys(draftProblems({ ...base, hours: "" }))).toEqual([]);
    expect(Object.keys(draftProblems({ ...base, minutes: "" }))).toEqual(["hours"]);
    for (const wrong of ["0", "-1", "1.5", "36501", "x"]) {
      expect(Object.keys(draftProblems({ ...base, minutes: wrong }))).toEqual(["minutes"]);
    }
  });
});

describe("what saving does", () => {
  it("says what goes, when, and what goes next", () => {
    const drop = {
      from: "2026-03-01T00:00:00.000Z",
      until: "2026-03-05T00:00:00.000Z",
      rows: 12_000,
      bytes: 3_100_000,
    };
    const planned = [
      { granularity: "MINUTE" as const, days: 7, drop, nextDropAt: "2026-03-13T00:00:00.000Z" },
      { granularity: "HOUR" as const, days: 400, drop: null, nextDropAt: null },
      { granularity: "DAY" as const, days: 0, drop: null, nextDropAt: null },
      { granularity: "MONTH" as const, days: 0, drop: null, nextDropAt: null },
    ];
    expect(planLines(planned, levels)).toEqual([
      "By the minute: drops the usage of 2026-03-01 to before 2026-03-05 (UTC) within a minute, for good: about 12,000 rows, 3.1 MB. Its oldest goes next on 2026-03-13 00:00 (UTC).",
      "By the hour: drops nothing now. It is kept for 400 days.",
    ]);
  });
});
