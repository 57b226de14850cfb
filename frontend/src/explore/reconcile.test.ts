import { describe, expect, it } from "vitest";
import { lastDays, signed, verdict } from "./reconcile";

describe("the verdict", () => {
  const figures = (sent: number, rolledUp: number) => ({
    sent,
    rolledUp,
    difference: rolledUp - sent,
  });
  it("says that everything agrees", () => {
    const r = { matches: true, differing: 0, totals: figures(1_200, 1_200) };
    expect(verdict(r, 31)).toEqual({
      agrees: true,
      title: "All 31 days agree",
      detail:
        "All 1,200 requests that arrived from Envoys are in the rollups, each once. What never arrived is under unaccounted usage.",
    });
    expect(verdict(r, 1).title).toBe("The day agrees");
  });
  it("says what differs, and by how much", () => {
    const short = verdict({ matches: false, differing: 2, totals: figures(100, 97) }, 7);
    expect(short.title).toBe("2 rows differ");
    expect(short.detail).toContain("3 fewer than were sent");
    const over = verdict({ matches: false, differing: 1, totals: figures(100, 105) }, 7);
    expect(over.title).toBe("1 row differs");
    expect(over.detail).toContain("5 more than were sent");
  });
  it("does not take differences that cancel out for agreement", () => {
    const r = verdict({ matches: false, differing: 2, totals: figures(100, 100) }, 7);
    expect(r.agrees).toBe(false);
    expect(r.detail).toContain("cancel each other out");
  });
});

it("counts days with today, in UTC", () => {
  const nowMS = Date.parse("2026-03-01T23:59:00Z");
  expect(lastDays(1, nowMS)).toEqual({ from: "2026-03-01", to: "2026-03-01" });
  expect(lastDays(31, nowMS)).toEqual({ from: "2026-01-30", to: "2026-03-01" });
});

it("signs what differs", () => {
  expect([0, 3, -1_200].map(signed)).toEqual(["0", "+3", "−1,200"]);
});
