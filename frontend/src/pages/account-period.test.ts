import { expect, it } from "vitest";
import { nextPeriod } from "./account-period";

const at = (text: string) => Date.parse(text);

it.each([
  ["2026-11-21T22:00:00Z", "UTC", 1, "2026-12-01"],
  ["2026-12-01T00:00:00Z", "UTC", 1, "2027-01-01"],
  ["2026-01-31T12:00:00Z", "UTC", 31, "2026-02-28"],
  ["2026-02-27T12:00:00Z", "UTC", 30, "2026-02-28"],
  ["2026-11-14T23:30:00Z", "Europe/Berlin", 15, "2026-12-15"],
  ["2026-11-14T22:30:00Z", "Europe/Berlin", 15, "2026-11-15"],
])("after %s in %s, day %i, the next period begins on %s", (now, zone, day, begins) => {
  expect(nextPeriod(at(now), zone, day)).toBe(begins);
});
