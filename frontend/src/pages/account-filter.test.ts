import { expect, test } from "vitest";
import { accountFilter } from "./account-filter";

const none = { search: null, tierId: null, status: null, label: null };

test("a URL without a filter narrows nothing", () => {
  expect(accountFilter(none)).toEqual({});
  expect(accountFilter({ ...none, status: "GONE", label: " " })).toEqual({});
});

test("a label is a key, or a key and its value", () => {
  expect(accountFilter({ ...none, label: "env" })).toEqual({ labels: [{ key: "env" }] });
  expect(accountFilter({ ...none, label: "env = a=b" })).toEqual({
    labels: [{ key: "env", value: "a=b" }],
  });
  expect(accountFilter({ ...none, label: "env=" })).toEqual({
    labels: [{ key: "env", value: "" }],
  });
});

test("all of it at once", () => {
  expect(accountFilter({ search: "a", tierId: "tier_1", status: "TRIAL", label: null })).toEqual({
    text: "a",
    tierId: "tier_1",
    statuses: ["TRIAL"],
  });
});
