import { expect, it } from "vitest";
import { secretsIn } from "./account-leaks-text";

const key = `wk_live_${"a1B".repeat(10)}_x9Y8z7`;

it("finds keys within lines, each once, and nothing else of a line", () => {
  expect(secretsIn(`export KEY="${key}"; curl -H 'x-api-key:${key}' /v1\n`)).toEqual([key]);
});

it("passes on a line of one word, which may be a key of another making", () => {
  expect(secretsIn("legacy-key-7\nof these words none")).toEqual(["legacy-key-7"]);
});

it("finds nothing in nothing", () => {
  expect(secretsIn(" \n")).toEqual([]);
});
