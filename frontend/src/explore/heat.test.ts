import { expect, it } from "vitest";
import { heatScale, heatStep, hourWords } from "./heat";

it("has even steps up to the largest hour, and none when nothing came", () => {
  expect(heatScale([0, 50, null, 100])).toEqual([20, 40, 60, 80, 100]);
  expect(heatScale([0, null])).toEqual([]);
});

it("tells nothing from little", () => {
  const scale = heatScale([100]);
  expect([null, 0, -5, 0.1, 20, 20.1, 100].map((v) => heatStep(v, scale))).toEqual([
    0, 0, 0, 1, 1, 2, 5,
  ]);
});

it("ends the day's last hour at midnight", () => {
  expect(hourWords(9)).toBe("09:00–10:00");
  expect(hourWords(23)).toBe("23:00–00:00");
});
