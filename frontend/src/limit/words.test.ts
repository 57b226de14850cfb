import { describe, expect, it } from "vitest";
import { brief, exactBytes, type LimitWords, quantity, sentence } from "./words";

const plain: LimitWords = {
  subject: "KEY",
  selector: "ALL",
  endpoint: null,
  group: null,
  measure: "REQUESTS",
  kind: "RATE",
  amount: 1_000,
  period: "HOUR",
  burst: 1_200,
  mode: "ENFORCE",
  gracePercent: null,
  graceSeconds: null,
  failMode: "OPEN",
  refundErrors: false,
  adaptive: null,
};

describe("sentence", () => {
  it("says whose, how much and which, for a rate", () =>
    expect(sentence(plain)).toBe(
      "Each key: at most 1,000 requests per hour, bursts of 1,200, all endpoints; enforce",
    ));
  it("leaves out a burst that is the amount", () =>
    expect(sentence({ ...plain, burst: 1_000 })).not.toContain("burst"));
  it("tells a window from a rate", () =>
    expect(
      sentence({ ...plain, kind: "WINDOW", burst: null, subject: "ACCOUNT", selector: "WRITES" }),
    ).toBe("The account: never more than 1,000 requests in any hour, writes only; enforce"));
  it("names a quota's calendar period, and what is unusual about it", () =>
    expect(
      sentence({
        ...plain,
        kind: "QUOTA",
        burst: null,
        period: "MONTH",
        measure: "BYTES",
        amount: 5e9,
        failMode: "OPEN",
        selector: "GROUP",
        group: { name: "search" },
      }),
    ).toBe(
      "Each key: a budget of 5 GB per calendar month, endpoints of search; enforce; fails open",
    ));
  it("says when a soft limit enforces", () => {
    const soft = { ...plain, mode: "SOFT" as const };
    expect(sentence({ ...soft, gracePercent: 20, graceSeconds: 900 })).toContain(
      "soft, enforces from 20% over or 15 min over",
    );
    expect(sentence(soft)).toContain("soft, never enforces");
  });
  it("says how far an adaptive limit tightens, and when", () =>
    expect(
      sentence({
        ...plain,
        adaptive: { errorPercent: 10, slowMs: 500, slowPercent: 20, floorPercent: 30 },
      }),
    ).toContain("tightens to as little as 30% at over 10% errors or over 20% slower than 500 ms"));
});

describe("amounts", () => {
  it("are exact in the largest unit that fits", () =>
    expect([500e6, 1.5e9, 1_000, 999, 1_234_567].map(exactBytes)).toEqual([
      "500 MB",
      "1.5 GB",
      "1 kB",
      "999 B",
      "1,234,567 B",
    ]));
  it("carry their unit", () =>
    expect([quantity(1, "REQUESTS"), quantity(40, "COST"), quantity(2e6, "BYTES")]).toEqual([
      "1 request",
      "40 cost units",
      "2 MB",
    ]));
  it("are brief where there is little room", () =>
    expect([
      brief(plain),
      brief({ ...plain, kind: "WINDOW" }),
      brief({ ...plain, kind: "QUOTA", period: "BILLING", measure: "COST" }),
    ]).toEqual(["1,000/h", "1,000 in any h", "1,000 units/billing period"]));
});
