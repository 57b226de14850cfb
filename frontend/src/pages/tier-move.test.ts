import { describe, expect, it } from "vitest";
import { moveInput, moveNow, moveProblems, moveWords, stepsOf } from "./tier-move";

describe("stepsOf", () => {
  it("reads percentages however they are set apart", () => {
    expect(stepsOf("10, 50 %, 100%")).toEqual([10, 50, 100]);
    expect(stepsOf("100")).toEqual([100]);
  });
  it.each(["", "10, 50", "50, 10, 100", "10, 10, 100", "0, 100", "ten, 100", "50, 150"])(
    "takes %j for no steps",
    (text) => {
      expect(stepsOf(text)).toBeNull();
    },
  );
});

const inSteps = { when: "STEPS", steps: "25, 100", minutes: "90" } as const;

describe("a move in steps", () => {
  it("is sent with its steps, another without", () => {
    expect(moveInput(inSteps)).toEqual({ when: "STEPS", steps: [25, 100], stepMinutes: 90 });
    expect(moveInput(moveNow)).toEqual({ when: "NOW" });
  });
  it("is refused beside the field that is wrong", () => {
    expect(Object.keys(moveProblems({ when: "STEPS", steps: "5", minutes: "0" }))).toEqual([
      "move.steps",
      "move.stepMinutes",
    ]);
    expect(moveProblems({ ...moveNow, steps: "5" })).toEqual({});
  });
});

describe("moveWords", () => {
  const nowMS = new Date(2026, 2, 1, 12, 0).getTime();
  const said = (when: typeof inSteps | typeof moveNow, own: number, byDefault = 0) =>
    moveWords(when, "version 4", { own, byDefault }, nowMS);
  it("says how many accounts move, and when", () => {
    expect(said(inSteps, 40).slice(0, 2)).toEqual([
      "To 25%: about 10 at once",
      "To 100%: about 30 more at 13:30",
    ]);
    expect(said(moveNow, 1)[0]).toBe("1 account moves to version 4 in about a second.");
  });
  it("tells apart those that have the tier as the default", () => {
    expect(said(moveNow, 0, 3)).toContain(
      "3 accounts have it as the default tier, and follow at once in any case.",
    );
  });
});
