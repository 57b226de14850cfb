import { describe, expect, it } from "vitest";
import type { Limit } from "~/limit/fields";
import { consequences } from "./tier-consequences";
import {
  draftOf,
  inputOf,
  isChanged,
  type LimitDraft,
  newLimit,
  type SavedTier,
  shadowCopy,
  withKind,
} from "./tier-form";
import { bytesOf, secondsOf, wholeNumber } from "./tier-numbers";
import { presets } from "./tier-presets";
import { validate } from "./tier-validate";
import { limitLines } from "./usage-panel";

const saved = (own: Partial<Limit>): Limit => ({
  id: "l1",
  name: "requests",
  subject: "ACCOUNT",
  selector: "ALL",
  endpoint: null,
  group: null,
  measure: "REQUESTS",
  kind: "RATE",
  amount: 100,
  period: "MINUTE",
  burst: 100,
  mode: "ENFORCE",
  gracePercent: null,
  graceSeconds: null,
  failMode: "OPEN",
  refundErrors: false,
  adaptive: null,
  ...own,
});
const basic: SavedTier = {
  name: "Basic",
  limits: [
    saved({}),
    saved({
      id: "l2",
      name: "search",
      selector: "ENDPOINT",
      endpoint: { id: "e1", method: "GET", template: "/search" },
      amount: 10,
      period: "SECOND",
      burst: 20,
    }),
    saved({
      id: "l3",
      name: "monthly",
      kind: "QUOTA",
      measure: "BYTES",
      amount: 5e9,
      period: "MONTH",
      burst: null,
      mode: "SOFT",
      gracePercent: 20,
      graceSeconds: 3_600,
      failMode: "CLOSED",
      adaptive: null,
    }),
  ],
};
const edited = (change: (draft: ReturnType<typeof draftOf>) => void) => {
  const draft = draftOf(basic);
  change(draft);
  return draft;
};
const limitAt = (draft: ReturnType<typeof draftOf>, at: number): LimitDraft => {
  const limit = draft.limits[at];
  if (!limit) throw new Error(`the draft has no limit ${at}`);
  return limit;
};

describe("an order", () => {
  it("is a change that says what it does", () => {
    const draft = draftOf(basic);
    draft.limits.reverse();
    expect(isChanged(draft, basic)).toBe(true);
    expect(consequences(draft, basic)).toEqual([
      "The limits are listed in another order",
      "3 other limits: counters are kept",
    ]);
  });
});

describe("numbers", () => {
  it("are read as people type them", () => {
    expect(["5", " 1,000 ", "1 000 000", "1_000"].map(wholeNumber)).toEqual([5, 1e3, 1e6, 1e3]);
    expect(["500 MB", "1.5 GB", "1.1gb", "20 k", "7"].map(bytesOf)).toEqual([
      5e8, 1.5e9, 1.1e9, 2e4, 7,
    ]);
    expect(["90", "15 min", "2h", "1 d"].map(secondsOf)).toEqual([90, 900, 7_200, 86_400]);
  });
  it.each(["", "0", "-1", "1.5", "1e3", "ten", "1000000000001"])("refuse %j", (text) =>
    expect(wholeNumber(text)).toBeNull(),
  );
  it.each(["", "0 MB", "1.5 B", "2 TB", "5 apples"])("refuse %j as a size", (text) =>
    expect(bytesOf(text)).toBeNull(),
  );
});

describe("validate", () => {
  it("accepts what the server sent", () => expect(validate(draftOf(basic))).toEqual({}));
  it("accepts every preset by itself", () => {
    for (const { limit } of presets) {
      expect(validate({ name: "x", limits: [newLimit([], limit)] })).toEqual({});
    }
  });
  it("names the field by the server's path", () => {
    const draft = edited((d) => {
      d.name = " ";
      Object.assign(limitAt(d, 0), { amount: "0", burst: "x", name: "Not So" });
      Object.assign(limitAt(d, 2), { gracePercent: "1001", graceTime: "31 d" });
    });
    expect(Object.keys(validate(draft)).sort()).toEqual([
      "limits.0.amount",
      "limits.0.burst",
      "limits.0.name",
      "limits.2.gracePercent",
      "limits.2.graceSeconds",
      "name",
    ]);
  });
  it("finds two limits of one name, and blames the second", () => {
    const draft = edited((d) => {
      limitAt(d, 0).name = "search";
    });
    expect(Object.keys(validate(draft))).toEqual(["limits.1.name"]);
  });
  it("asks an adaptive rule for a bound, and for both halves of slowness", () => {
    const adaptive = { errorPercent: "", slowMs: "", slowPercent: "", floorPercent: "20" };
    const withRule = (rule: LimitDraft["adaptive"]) =>
      Object.keys(
        validate(
          edited((d) => {
            limitAt(d, 0).adaptive = rule;
          }),
        ),
      );
    expect(withRule(adaptive)).toEqual(["limits.0.adaptive.errorPercent"]);
    expect(withRule({ ...adaptive, slowMs: "500" })).toEqual(["limits.0.adaptive.slowPercent"]);
    expect(withRule({ ...adaptive, errorPercent: "10", floorPercent: "100" })).toEqual([
      "limits.0.adaptive.floorPercent",
    ]);
  });
  it("keeps limits by address apart from all others", () => {
    const draft = edited((d) => {
      d.limits.push(newLimit([], { name: "by-address", subject: "ADDRESS", amount: "1" }));
    });
    expect(Object.keys(validate(draft))).toEqual([
      "limits.0.subject",
      "limits.1.subject",
      "limits.2.subject",
    ]);
  });
});

describe("inputOf", () => {
  it("keeps ids, so that counters are kept, and lets burst follow the amount", () => {
    const draft = edited((d) => {
      limitAt(d, 0).amount = "5";
    });
    expect(inputOf(draft).limits[0]).toMatchObject({ id: "l1", amount: 5, burst: 5 });
    expect(inputOf(draft).limits[1]).toMatchObject({ selector: "ENDPOINT", endpointId: "e1" });
  });
  it("sends a quota in bytes with its grace, and without a burst", () => {
    const quota = inputOf(draftOf(basic)).limits[2];
    expect(quota).toMatchObject({ amount: 5e9, gracePercent: 20, graceSeconds: 3_600 });
    expect(quota).not.toHaveProperty("burst");
  });
  it("leaves out what doesn't suit the kind and the mode", () => {
    const draft = edited((d) => {
      const rule = { errorPercent: "10", slowMs: "", slowPercent: "", floorPercent: "20" };
      Object.assign(limitAt(d, 0), withKind(limitAt(d, 0), "QUOTA"), { adaptive: rule });
      limitAt(d, 2).mode = "ENFORCE";
    });
    const [first, , third] = inputOf(draft).limits;
    expect(first).toMatchObject({ period: "MONTH", failMode: "CLOSED" });
    expect(first).not.toHaveProperty("adaptive");
    expect(third).not.toHaveProperty("gracePercent");
  });
  it("has no id for a new limit", () => {
    expect(inputOf({ name: "x", limits: [newLimit([])] }).limits[0]).not.toHaveProperty("id");
  });
});

describe("a shadow copy", () => {
  it("is a new limit of the same size, that only counts, under a free name", () => {
    const original = limitAt(draftOf(basic), 1);
    expect(shadowCopy(original, ["search", "search-shadow"])).toMatchObject({
      id: null,
      name: "search-shadow-2",
      mode: "SHADOW",
      target: "ENDPOINT:e1",
      amount: "10",
    });
  });
});

describe("changes", () => {
  it("are none when only the writing differs", () => {
    const draft = edited((d) => {
      Object.assign(limitAt(d, 0), { amount: " 1 00 ", burst: "100" });
      Object.assign(limitAt(d, 2), { amount: "5000 MB", graceTime: "60 min" });
    });
    expect(isChanged(draft, basic)).toBe(false);
  });
  it("are told limit by limit before saving", () => {
    const draft = edited((d) => {
      limitAt(d, 0).amount = "5";
      limitAt(d, 2).mode = "ENFORCE";
    });
    expect(consequences(draft, basic)).toEqual([
      "requests: 100/min becomes 5/min, burst 100 becomes 5",
      "monthly: refuses from now on",
      "1 other limit: counters are kept",
    ]);
  });
  it("say when counters begin anew", () => {
    const draft = edited((d) => {
      limitAt(d, 0).kind = "WINDOW";
    });
    expect(consequences(draft, basic)[0]).toBe(
      "requests: 100/min becomes 100 in any min, its counters begin anew",
    );
  });
  it("include what goes and what comes", () => {
    const draft = edited((d) => {
      d.limits.shift();
      d.limits.push(newLimit([], { name: "writes", amount: "9" }));
      d.limits.push(shadowCopy(limitAt(d, 0), []));
    });
    expect(consequences(draft, basic)).toEqual([
      "writes: 9/min from now on, beginning full",
      "search-shadow: counts what 10/s would refuse, refuses nothing",
      "requests: no longer limits",
      "2 other limits: counters are kept",
    ]);
  });
});

describe("limit lines", () => {
  const limits = [
    ...basic.limits,
    saved({ name: "daily", amount: 9_000, period: "DAY" }),
    saved({ name: "tried", amount: 1, mode: "SHADOW" }),
  ];
  it("are in the chart's unit, for what limits the account's requests as a whole", () => {
    expect(limitLines(limits, "MINUTE").map((l) => l.value)).toEqual([100]);
    expect(limitLines(limits, "HOUR").map((l) => l.value)).toEqual([6_000]);
    expect(limitLines(limits, "DAY").map((l) => l.value)).toEqual([144_000, 9_000]);
  });
});
