/** The parts of a date, the month from 1. */
type Day = { year: number; month: number; day: number };

function dayIn(ms: number, timeZone: string): Day {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
  }).formatToParts(ms);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  return { year: part("year"), month: part("month"), day: part("day") };
}

const daysOf = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();

/**
 * The date on which an account's next billing period begins, as 2026-12-01: the day of
 * the month in its time zone, or the last one of a shorter month.
 */
export function nextPeriod(nowMS: number, timeZone: string, billingDay: number): string {
  const { year, month, day } = dayIn(nowMS, timeZone);
  const begins = (y: number, m: number) => Math.min(billingDay, daysOf(y, m));
  const later = day >= begins(year, month);
  const y = later && month === 12 ? year + 1 : year;
  const m = later ? (month % 12) + 1 : month;
  return `${y}-${String(m).padStart(2, "0")}-${String(begins(y, m)).padStart(2, "0")}`;
}
