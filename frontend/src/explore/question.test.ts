import { describe, expect, it } from "vitest";
import { exportPath } from "./export";
import { contradiction, offers } from "./narrow";
import {
  filterInput,
  fits,
  narrowTo,
  onlyAccount,
  type Question,
  questionFromQuery,
  zoneName,
} from "./question";

const read = (text: string) => questionFromQuery(new URLSearchParams(text));

describe("a question in the URL", () => {
  it("is requests by decision when it says nothing", () => {
    expect(read("")).toEqual({
      filter: {},
      groupBy: ["decision"],
      measure: "requests",
      meter: null,
      granularity: null,
      zone: "utc",
      compare: null,
      top: 10,
    } satisfies Question);
  });
  it("is read in full", () => {
    const q = read(
      "account=acc_1,acc_2&status=429,0&decision=THROTTLED&group=account,endpoint&measure=bytes-out&points=day&zone=mine&compare=previous&top=50",
    );
    expect(q).toEqual({
      filter: { account: ["acc_1", "acc_2"], status: ["429", "0"], decision: ["THROTTLED"] },
      groupBy: ["account", "endpoint"],
      measure: "bytes-out",
      meter: null,
      granularity: "DAY",
      zone: "mine",
      compare: "previous",
      top: 50,
    } satisfies Question);
  });
  it.each([
    "status=42x,,teapot",
    "decision=toString",
    "measure=constructor",
    "points=fortnight",
    "compare=valueOf",
    "top=7",
  ])("leaves out what can't be read: %s", (text) => {
    expect(read(text)).toEqual(read(""));
  });
  it("splits by nothing, by each thing once, and by two at most", () => {
    expect(read("group=none").groupBy).toEqual([]);
    expect(read("group=tier,tier,key,account").groupBy).toEqual(["tier", "key"]);
  });
  it("may be about a custom meter", () => {
    expect(read("measure=meter:mtr_1").meter).toBe("mtr_1");
    expect(read("measure=meter:mtr_1").groupBy).toEqual(["account"]);
    expect(read("measure=meter:mtr_1&group=key").groupBy).toEqual(["key"]);
  });
});

it("asks the API for whole numbers as statuses, and leaves out what doesn't narrow", () => {
  expect(filterInput(read("status=200,0&tier=NONE").filter)).toEqual({
    statuses: [200, 0],
    tierIds: ["NONE"],
  });
});

it("narrows to a group, with NONE where it has none", () => {
  expect(narrowTo(["account", "status"], ["acc_1", "429"])).toEqual({
    account: "acc_1",
    status: "429",
  });
  expect(narrowTo(["account"], [])).toEqual({ account: "NONE" });
});

it("knows the one account that it is about", () => {
  expect(onlyAccount(read("account=acc_1"))).toBe("acc_1");
  expect(onlyAccount(read("account=acc_1,acc_2"))).toBeNull();
  expect(onlyAccount(read("account=NONE"))).toBeNull();
});

it("has a name for every zone, UTC where the account's is not known", () => {
  expect(zoneName("utc", null)).toBe("UTC");
  expect(zoneName("account", "Asia/Tokyo")).toBe("Asia/Tokyo");
  expect(zoneName("account", null)).toBe("UTC");
  expect(zoneName("Asia/Kathmandu", null)).toBe("Asia/Kathmandu");
  expect(zoneName("mine", null)).not.toBe("");
});

it("doesn't offer points that no answer could hold", () => {
  const dayMS = 86_400_000;
  expect(fits("MINUTE", dayMS, 10)).toBe(true);
  expect(fits("MINUTE", 30 * dayMS, 10)).toBe(false);
  expect(fits("MONTH", 10_000 * dayMS, 100)).toBe(true);
});

describe("what is offered for a refused question", () => {
  const labels = (text: string, preset: "15m" | "30d" = "30d") =>
    offers(read(text), { preset }, "HOUR").map((o) => o.label);
  it("is a coarser granularity and a shorter range", () => {
    expect(labels("")).toEqual(["Show days", "Last 7 days"]);
  });
  it("takes back what made it large", () => {
    expect(labels("group=account,endpoint&top=100&zone=mine&compare=year")).toEqual([
      "Show days",
      "Use UTC",
      "Only the 10 largest",
      "Group by account only",
      "Last 7 days",
      "Don’t compare",
    ]);
  });
  it("has no shorter range than the shortest", () => {
    expect(labels("", "15m")).toEqual(["Show days"]);
  });
  it.each([
    ["group=status", "Leave out status", "status", { group: "account" }],
    ["group=key,decision", "Leave out decision", "decision", { group: "key" }],
    ["group=key&status=429", "Leave out status", "status", { status: null }],
    [
      "group=decision,status&decision=THROTTLED",
      "Leave out status and decision",
      "status or decision",
      { group: "account", decision: null },
    ],
  ])("is nothing but to leave one out where a meter meets %s", (text, label, by, changes) => {
    const q = read(`measure=meter:mtr_3&${text}`);
    expect(offers(q, { preset: "30d" }, "MINUTE")).toEqual([
      { label, changes },
      { label: "Show requests", changes: { measure: null } },
    ]);
    expect(contradiction(q)).toBe(`Custom meters are not counted by ${by}.`);
  });
  it("has no contradiction where the meter is counted by all of it, or requests are shown", () => {
    expect(contradiction(read("measure=meter:mtr_3&group=key&endpoint=ep_1"))).toBeNull();
    expect(contradiction(read("group=status"))).toBeNull();
  });
});

it("exports everything that the question is about", () => {
  const q = read("account=acc_1&status=429,503&group=endpoint,key&top=5");
  const window = {
    from: "2026-01-01T00:00:00Z",
    to: null,
    granularity: "DAY",
    zone: "UTC",
  } as const;
  expect(exportPath(q, "parquet", window)).toBe(
    "/api/v1/usage.parquet?from=2026-01-01T00%3A00%3A00Z&granularity=DAY&timeZone=UTC&groupBy=ENDPOINT%2CKEY&account=acc_1&status=429%2C503",
  );
  expect(
    exportPath(read("group=none"), "csv", { ...window, to: "2026-02-01T00:00:00Z" }),
  ).toContain("&to=2026-02-01");
  expect(exportPath(read("measure=meter:mtr_3"), "csv", window)).toContain("&meters=mtr_3");
});
