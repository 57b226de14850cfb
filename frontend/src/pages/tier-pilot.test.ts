import { expect, test } from "vitest";
import { percentOf } from "./tier-pilot-details";
import { memberProblems, memberWords } from "./tier-pilot-fields";

test("a percentage is a whole number up to 100, with or without its sign", () => {
  expect(["0", "5", "20 %", "100%", " 7 "].map(percentOf)).toEqual([0, 5, 20, 100, 7]);
  expect(["", "-1", "101", "5.5", "five", "1e2"].map(percentOf)).toEqual(Array(6).fill(null));
});

test("a pilot needs somebody", () => {
  const birch = { value: "acc_1", label: "Birch" };
  expect(memberProblems({ percent: "0", accounts: [] })).toHaveProperty("percent");
  expect(memberProblems({ percent: "x", accounts: [birch] })).toHaveProperty("percent");
  expect(memberProblems({ percent: "0", accounts: [birch] })).toEqual({});
  expect(memberProblems({ percent: "5", accounts: [] })).toEqual({});
});

test("it says on how many accounts", () => {
  const birch = { value: "acc_1", label: "Birch" };
  expect(memberWords({ percent: "0", accounts: [birch] }, 40)).toBe("Tried on 1 account by name.");
  expect(memberWords({ percent: "5", accounts: [birch] }, 40)).toMatch(
    /^Tried on about 2 of 40 accounts, and on 1 account by name\./,
  );
});
