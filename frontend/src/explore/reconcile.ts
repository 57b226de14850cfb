import { exact, plural } from "~/ui/format";

type Figures = { sent: number; rolledUp: number; difference: number };

/** Whole days in UTC, both included, as the API takes them; the last one is today. */
export function lastDays(count: number, nowMS: number): { from: string; to: string } {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return { from: day(nowMS - (count - 1) * 86_400_000), to: day(nowMS) };
}

/** What the comparison comes to, in one sentence. */
export function verdict(
  r: { matches: boolean; differing: number; totals: Figures },
  days: number,
): { agrees: boolean; title: string; detail: string } {
  const { sent, rolledUp, difference } = r.totals;
  if (r.matches) {
    return {
      agrees: true,
      title: days === 1 ? "The day agrees" : `All ${days} days agree`,
      detail:
        sent === 0
          ? "Envoys sent nothing in this time, and nothing is in the rollups."
          : `All ${plural(sent, "request")} that arrived from Envoys are in the rollups, each once. What never arrived is under unaccounted usage.`,
    };
  }
  const by =
    difference === 0
      ? "which cancel each other out over all days"
      : difference < 0
        ? `${exact.format(-difference)} fewer than were sent`
        : `${exact.format(difference)} more than were sent`;
  return {
    agrees: false,
    title: `${plural(r.differing, "row differs", "rows differ")}`,
    detail: `Envoys sent ${exact.format(sent)} requests and the rollups have ${exact.format(rolledUp)}: ${by}. The accounts and days that differ come first below.`,
  };
}

/** +3, −5, or 0. */
export const signed = (n: number) =>
  n === 0 ? "0" : `${n > 0 ? "+" : "−"}${exact.format(Math.abs(n))}`;
