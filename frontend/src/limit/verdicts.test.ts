import { describe, expect, it } from "vitest";
import { deedOf, headline } from "./verdicts";

const none = { denied: 0, over: 0, shadowed: 0, failedOpen: 0 };
const day = { requests: 52_300, accounts: 3, span: "in the last 24 hours" };

describe("headline", () => {
  it("says what a shadow limit would have refused", () =>
    expect(headline("SHADOW", { ...none, shadowed: 1_240 }, day)).toBe(
      "Would have refused 1,240 of 52,300 requests (2.4%) of 3 accounts in the last 24 hours",
    ));
  it("leaves out the whole where it isn't known", () =>
    expect(headline("ENFORCE", { ...none, denied: 1 }, { ...day, requests: null })).toBe(
      "Refused 1 request of 3 accounts in the last 24 hours",
    ));
  it("says so when there was nothing", () =>
    expect(headline("SHADOW", none, day)).toBe("Would have refused nothing in the last 24 hours"));
});

it("a deed names the gravest first", () =>
  expect(deedOf({ denied: 12, over: 0, shadowed: 1_500, failedOpen: 1 })).toBe(
    "12 refused, 1.5k would be refused, 1 unchecked",
  ));
