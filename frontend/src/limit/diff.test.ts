import { describe, expect, it } from "vitest";
import { diffLimits, isDifferent } from "./diff";
import type { NamedLimit } from "./words";

const limit = (own: Partial<NamedLimit> = {}): NamedLimit => ({
  id: "lim_1",
  name: "per-minute",
  subject: "ACCOUNT",
  selector: "ALL",
  endpoint: null,
  group: null,
  measure: "REQUESTS",
  kind: "RATE",
  amount: 1_000,
  period: "MINUTE",
  burst: 1_000,
  mode: "ENFORCE",
  gracePercent: null,
  graceSeconds: null,
  failMode: "OPEN",
  refundErrors: false,
  adaptive: null,
  ...own,
});

describe("diffLimits", () => {
  it("says of each field what it was and is, and by how much an amount differs", () => {
    const after = limit({ amount: 800, burst: 800, mode: "SHADOW" });
    expect(diffLimits([limit()], [after])).toEqual([
      {
        name: "per-minute",
        change: "changed",
        fields: [
          { field: "Allows", before: "1,000/min", after: "800/min (−20%)" },
          { field: "Burst", before: "1,000", after: "800" },
          { field: "Mode", before: "enforce", after: "shadow, only counts" },
        ],
      },
    ]);
  });
  it("doesn't compare amounts of different kinds", () => {
    const after = limit({ amount: 10, burst: 10, period: "SECOND" });
    expect(diffLimits([limit()], [after])[0]?.fields[0]?.after).toBe("10/s");
  });
  it("tells what is new and what is gone, with the gone ones at the end", () => {
    const diffs = diffLimits([limit()], [limit({ id: null })]);
    expect(diffs.map((d) => d.change)).toEqual(["added", "removed"]);
    expect(diffs[0]?.fields[0]?.before).toBeNull();
    expect(diffs[1]?.fields[0]?.after).toBeNull();
  });
  it("sees nothing where nothing differs, in whichever order", () => {
    const other = limit({ id: "lim_2", name: "other" });
    const diffs = diffLimits([limit(), other], [other, limit({ burst: null })]);
    expect(isDifferent(diffs)).toBe(false);
  });
  it("takes limits of two tiers for the same by their names", () => {
    const after = limit({ id: "lim_9", amount: 10_000, burst: 10_000 });
    expect(diffLimits([limit()], [after], true)[0]?.change).toBe("changed");
  });
});
