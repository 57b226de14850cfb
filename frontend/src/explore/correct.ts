import { exact, momentInZone, plural } from "~/ui/format";

export type Adjustment = {
  account: string;
  /** Take away instead of add. */
  takes: boolean;
  /** Null while the field holds no whole number. */
  requests: number | null;
  cost: number | null;
  /** The minute that it counts in; null while the field holds none. */
  atMS: number | null;
};

/** What an adjustment will do, in words; what is missing when it does nothing yet. */
export function adjustmentWords(a: Adjustment): string {
  if (a.requests === null || a.cost === null) return "Give whole numbers from 0 on.";
  if (a.atMS === null) return "Give the minute that it counts in.";
  const amounts = [
    ...(a.requests > 0 ? [plural(a.requests, "request")] : []),
    ...(a.cost > 0 ? [`${exact.format(a.cost)} cost ${a.cost === 1 ? "unit" : "units"}`] : []),
  ];
  if (amounts.length === 0) return "Give how many requests or cost units.";
  const at = `${momentInZone(a.atMS, "UTC")} UTC`;
  return a.takes
    ? `Takes ${amounts.join(" and ")} away from ${a.account} at ${at}.`
    : `Adds ${amounts.join(" and ")} to ${a.account} at ${at}.`;
}

/** Whether it is complete. */
export const isComplete = (a: Adjustment) =>
  a.atMS !== null && a.requests !== null && a.cost !== null && a.requests + a.cost > 0;

/** Zero or more; null for anything else. Empty is zero. */
export function amountOf(text: string): number | null {
  const plain = text.replaceAll(",", "").trim();
  if (plain === "") return 0;
  return /^\d{1,15}$/.test(plain) ? Number(plain) : null;
}

/** An id that no other correction has, also where a page isn't a secure context. */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `dashboard-${[...bytes].map((b) => b.toString(16).padStart(2, "0")).join("")}`;
}
