import { describe, expect, it } from "vitest";
import { csv } from "./csv";
import { formatSort, nextSort, parseSort, sorted } from "./sort";

describe("sorted", () => {
  const rows = [{ v: 2 }, { v: null }, { v: 10 }, { v: 1 }];
  it("orders numbers as numbers, and keeps empty ones last both ways", () => {
    expect(sorted(rows, (r) => r.v, false).map((r) => r.v)).toEqual([1, 2, 10, null]);
    expect(sorted(rows, (r) => r.v, true).map((r) => r.v)).toEqual([10, 2, 1, null]);
  });
  it("orders names as people would, whatever their case", () => {
    expect(sorted(["b10", "B9", "a"], (s) => s, false)).toEqual(["a", "B9", "b10"]);
  });
  it("leaves its input and the order of equals alone", () => {
    const equals = [
      { id: 1, v: 0 },
      { id: 2, v: 0 },
    ];
    expect(sorted(equals, (r) => r.v, true).map((r) => r.id)).toEqual([1, 2]);
  });
});

describe("sort in the URL", () => {
  const fallback = { column: "name", descending: false };
  it("survives the way there and back", () => {
    const sort = { column: "requests", descending: true };
    expect(parseSort(formatSort(sort), ["name", "requests"], fallback)).toEqual(sort);
  });
  it("falls back when the column is unknown", () => {
    expect(parseSort("-colour", ["name"], fallback)).toEqual(fallback);
    expect(parseSort(null, ["name"], fallback)).toEqual(fallback);
  });
  it("begins with the largest number, and with the first name", () => {
    expect(nextSort(fallback, "requests", true)).toEqual({ column: "requests", descending: true });
    expect(nextSort(fallback, "tier", false)).toEqual({ column: "tier", descending: false });
    expect(nextSort(fallback, "name", false)).toEqual({ column: "name", descending: true });
  });
});

describe("csv", () => {
  it("quotes what needs it, and keeps missing values empty", () => {
    expect(csv(["a", "b"], [['say "hi", you', null]])).toBe('a,b\r\n"say ""hi"", you",\r\n');
  });
  it("defuses names that a spreadsheet would run", () => {
    expect(csv(["n"], [["=cmd()"], [-3]])).toBe("n\r\n'=cmd()\r\n-3\r\n");
  });
});
