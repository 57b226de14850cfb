import { exact, momentInZone, plural } from "~/ui/format";

export type Adjustment = {
  account: string;
  /** Take away instead of add. */
  takes: boolean;
  /** Null while the field holds no whole number. */
  requests: number | null;
  cost: number | null;
  bytesIn: number | null;
  bytesOut: number | null;
  /** Of a custom meter, unless none is chosen. */
  metered: { meter: string; unit: string; amount: number | null } | null;
  /** The minute that it counts in; null while the field holds none. */
  atMS: number | null;
};

/** What an adjustment will do, in words; what is missing when it does nothing yet. */
export function adjustmentWords(a: Adjustment): string {
  if (numbersOf(a).includes(null)) return "Give whole numbers from 0 on.";
  if (a.atMS === null) return "Give the minute that it counts in.";
  const amounts = listFormat.format(amountWords(a));
  if (amounts === "") return "Give how much of something.";
  const at = `${momentInZone(a.atMS, "UTC")} UTC`;
  return a.takes
    ? `Takes ${amounts} away from ${a.account} at ${at}.`
    : `Adds ${amounts} to ${a.account} at ${at}.`;
}

const listFormat = new Intl.ListFormat("en-US", { type: "conjunction" });

function amountWords(a: Adjustment): string[] {
  const { requests, cost, bytesIn, bytesOut, metered } = a;
  return [
    ...(requests ? [plural(requests, "request")] : []),
    ...(cost ? [plural(cost, "cost unit")] : []),
    ...(bytesIn ? [`${plural(bytesIn, "byte")} in`] : []),
    ...(bytesOut ? [`${plural(bytesOut, "byte")} out`] : []),
    ...(metered?.amount
      ? [`${exact.format(metered.amount)} ${metered.unit} of ${metered.meter}`]
      : []),
  ];
}

const numbersOf = (a: Adjustment) => [
  a.requests,
  a.cost,
  a.bytesIn,
  a.bytesOut,
  ...(a.metered ? [a.metered.amount] : []),
];

/** Whether it is complete. */
export const isComplete = (a: Adjustment) =>
  a.atMS !== null &&
  numbersOf(a).every((n) => n !== null) &&
  numbersOf(a).some((n) => n !== null && n > 0);

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
