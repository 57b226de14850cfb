import type { Granularity } from "~/app/range";
import { bytes, momentInZone, plural } from "~/ui/format";

/** What the form's fields are called, as in RetentionInput. */
export const levelNames = {
  MINUTE: { field: "minutes", label: "By the minute" },
  HOUR: { field: "hours", label: "By the hour" },
  DAY: { field: "days", label: "By the day" },
  MONTH: { field: "months", label: "By the month" },
} as const satisfies Record<Granularity, { field: string; label: string }>;

export type LevelField = (typeof levelNames)[Granularity]["field"];
export const levelFields: LevelField[] = ["minutes", "hours", "days", "months"];

/** Days as they are being typed; empty is for ever. */
export type Draft = Record<LevelField, string>;

const mostDays = 36_500;

export function draftOf(levels: Array<{ granularity: Granularity; days: number }>): Draft {
  const draft: Draft = { minutes: "", hours: "", days: "", months: "" };
  for (const { granularity, days } of levels) {
    draft[levelNames[granularity].field] = days === 0 ? "" : String(days);
  }
  return draft;
}

/** The days that are typed, 0 for ever; null while they are none. */
function daysOf(text: string): number | null {
  const plain = text.replaceAll(",", "").trim();
  if (plain === "") return 0;
  const days = /^\d{1,5}$/.test(plain) ? Number(plain) : 0;
  return days >= 1 && days <= mostDays ? days : null;
}

/** What is wrong with each field, as the server would say it. */
export function draftProblems(draft: Draft): Partial<Draft> {
  const problems: Partial<Draft> = {};
  let finer = 1;
  for (const field of levelFields) {
    const days = daysOf(draft[field]);
    if (days === null) {
      problems[field] = "Give a number of days from 1 to 36,500, or nothing for ever.";
      continue;
    }
    const kept = days === 0 ? Number.POSITIVE_INFINITY : days;
    if (kept < finer) problems[field] = "Keep it at least as long as the finer usage.";
    finer = Math.max(finer, kept);
  }
  return problems;
}

export function retentionInput(draft: Draft): Record<LevelField, number> {
  const input = { minutes: 0, hours: 0, days: 0, months: 0 };
  for (const field of levelFields) input[field] = daysOf(draft[field]) ?? 0;
  return input;
}

export const isDirty = (draft: Draft, base: Draft) =>
  levelFields.some((field) => daysOf(draft[field]) !== daysOf(base[field]));

export type Planned = {
  granularity: Granularity;
  days: number;
  drop: { from: string; until: string; rows: number; bytes: number } | null;
  nextDropAt: string | null;
};

/** What saving does to each granularity that changes, or of which something goes. */
export function planLines(
  planned: Planned[],
  now: Array<{ granularity: Granularity; days: number }>,
): string[] {
  return planned.flatMap((p) => {
    const before = now.find((l) => l.granularity === p.granularity)?.days;
    if (before === p.days && p.drop === null) return [];
    return [`${levelNames[p.granularity].label}: ${[dropWords(p), afterWords(p)].join(" ")}`];
  });
}

function dropWords({ drop }: Planned): string {
  if (drop === null) return "drops nothing now.";
  const day = (at: string) => momentInZone(Date.parse(at), "UTC").slice(0, 10);
  return `drops the usage of ${day(drop.from)} to before ${day(drop.until)} (UTC) within a minute, for good: about ${plural(drop.rows, "row")}, ${bytes(drop.bytes)}.`;
}

function afterWords({ days, nextDropAt }: Planned): string {
  if (days === 0) return "It is kept for ever from now on.";
  if (nextDropAt === null) return `It is kept for ${plural(days, "day")}.`;
  const at = momentInZone(Date.parse(nextDropAt), "UTC");
  return `Its oldest goes next on ${at} (UTC).`;
}
