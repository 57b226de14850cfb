import { describe, expect, it } from "vitest";
import {
  consequences,
  draftOf,
  inputOf,
  isChanged,
  newLimit,
  type SavedTier,
  validate,
  wholeNumber,
} from "./tier-form";
import { progressOf } from "./tier-rollout";
import { limitLines } from "./usage-panel";

const basic: SavedTier = {
  name: "Basic",
  limits: [
    { id: "l1", name: "requests", endpoint: null, amount: 100, period: "MINUTE", burst: 100 },
    { id: "l2", name: "search", endpoint: { id: "e1" }, amount: 10, period: "SECOND", burst: 20 },
  ],
};
const edited = (change: (draft: ReturnType<typeof draftOf>) => void) => {
  const draft = draftOf(basic);
  change(draft);
  return draft;
};
const first = (draft: ReturnType<typeof draftOf>) => {
  const limit = draft.limits[0];
  if (!limit) throw new Error("the draft has no limit");
  return limit;
};

describe("wholeNumber", () => {
  it("reads numbers as people type them", () => {
    expect(["5", " 1,000 ", "1 000 000", "1_000"].map(wholeNumber)).toEqual([5, 1e3, 1e6, 1e3]);
  });
  it.each(["", "0", "-1", "1.5", "1e3", "ten", "1000000000001"])("refuses %j", (text) =>
    expect(wholeNumber(text)).toBeNull(),
  );
});

describe("validate", () => {
  it("accepts what the server sent", () => expect(validate(draftOf(basic))).toEqual({}));
  it("names the field by the server's path", () => {
    const draft = edited((d) => {
      d.name = " ";
      first(d).amount = "0";
      first(d).burst = "x";
      first(d).name = "Not So";
    });
    expect(Object.keys(validate(draft)).sort()).toEqual([
      "limits.0.amount",
      "limits.0.burst",
      "limits.0.name",
      "name",
    ]);
  });
  it("finds two limits of one name, and blames the second", () => {
    const draft = edited((d) => {
      first(d).name = "search";
    });
    expect(Object.keys(validate(draft))).toEqual(["limits.1.name"]);
  });
  it("asks for the amount of a new limit", () => {
    const draft = edited((d) => {
      d.limits.push(newLimit(["requests", "search"]));
    });
    expect(Object.keys(validate(draft))).toEqual(["limits.2.amount"]);
  });
});

describe("inputOf", () => {
  it("keeps ids, so that counters are kept, and lets burst follow the amount", () => {
    const draft = edited((d) => {
      first(d).amount = "5";
    });
    expect(inputOf(draft).limits[0]).toEqual({
      id: "l1",
      name: "requests",
      amount: 5,
      period: "MINUTE",
      burst: 5,
    });
    expect(inputOf(draft).limits[1]).toMatchObject({ endpointId: "e1", burst: 20 });
  });
  it("has no id for a new limit", () => {
    expect(inputOf({ name: "x", limits: [newLimit([])] }).limits[0]).not.toHaveProperty("id");
  });
});

describe("changes", () => {
  it("are none when only the writing differs", () => {
    const draft = edited((d) => {
      first(d).amount = " 1 00 ";
      first(d).burst = "100";
    });
    expect(isChanged(draft, basic)).toBe(false);
  });
  it("are told limit by limit before saving", () => {
    const draft = edited((d) => {
      first(d).amount = "5";
    });
    expect(consequences(draft, basic)).toEqual([
      "requests: 100/min becomes 5/min, burst 100 becomes 5",
      "1 other limit: counters are kept",
    ]);
  });
  it("include what goes and what comes", () => {
    const draft = edited((d) => {
      d.limits.shift();
      d.limits.push({ ...newLimit([]), name: "writes", amount: "9" });
    });
    expect(consequences(draft, basic)).toEqual([
      "writes: 9/min from now on, beginning full",
      "requests: no longer limits",
      "1 other limit: counters are kept",
    ]);
  });
});

describe("rollout", () => {
  it("counts workers, and names each node that is behind once", () => {
    const workers = [
      { node: "b", snapshot: 7 },
      { node: "a", snapshot: 6 },
      { node: "a", snapshot: 6 },
    ];
    expect(progressOf(workers, 7)).toEqual({ done: 1, of: 3, behind: ["a"] });
    expect(progressOf(workers, 6).behind).toEqual([]);
  });
});

describe("limit lines", () => {
  const limits = [
    { name: "requests", scope: "ACCOUNT", amount: 100, period: "MINUTE" as const },
    { name: "search", scope: "ENDPOINT", amount: 10, period: "MINUTE" as const },
    { name: "daily", scope: "ACCOUNT", amount: 9_000, period: "DAY" as const },
  ];
  it("are in the chart's unit, for the account's own limits", () => {
    expect(limitLines(limits, "MINUTE").map((l) => l.value)).toEqual([100]);
    expect(limitLines(limits, "HOUR").map((l) => l.value)).toEqual([6_000]);
    expect(limitLines(limits, "DAY").map((l) => l.value)).toEqual([144_000, 9_000]);
  });
});
