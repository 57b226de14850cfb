import { describe, expect, it } from "vitest";
import { LiveSteps, type LiveTotals } from "./live-totals";

const today = "2026-03-01T00:00:00Z";
const event = (allowed: number, byAccount: Record<string, number>, from = today): LiveTotals => ({
  at: "2026-03-01T10:00:00Z",
  from,
  totals: { allowed, throttled: 0, refused: 0 },
  accounts: Object.entries(byAccount).map(([accountId, n]) => ({
    accountId,
    totals: { allowed: n, throttled: 0, refused: 0 },
  })),
});
const allowed = (steps: LiveSteps, of: LiveTotals) => {
  const { allowed, accounts } = steps.step(of);
  return [allowed, ...accounts.map((a) => a.allowed)];
};

describe("LiveSteps", () => {
  it("says what happened between two events", () => {
    const steps = new LiveSteps();
    expect(allowed(steps, event(100, { a: 60 }))).toEqual([0, 0]);
    expect(allowed(steps, event(130, { a: 70, b: 40 }))).toEqual([30, 10, 0]);
    expect(allowed(steps, event(131, { b: 41 }))).toEqual([1, 1]);
    expect(allowed(steps, event(136, { a: 75 }))).toEqual([5, 5]);
  });

  it("begins the day at nothing", () => {
    const steps = new LiveSteps();
    steps.step(event(100, { a: 60 }));
    const tomorrow = "2026-03-02T00:00:00Z";
    expect(allowed(steps, event(3, { a: 2 }, tomorrow))).toEqual([3, 2]);
  });

  it("knows nothing of the time it was cut off", () => {
    const steps = new LiveSteps();
    steps.step(event(100, { a: 60 }));
    steps.forget();
    expect(allowed(steps, event(500, { a: 90 }))).toEqual([0, 0]);
    expect(allowed(steps, event(501, { a: 91 }))).toEqual([1, 1]);
  });

  it("takes nothing back", () => {
    const steps = new LiveSteps();
    steps.step(event(100, { a: 60 }));
    expect(allowed(steps, event(99, { a: 59 }))).toEqual([0, 0]);
  });
});
