import type { Limit, Mode } from "~/limit/fields";
import { brief, exactBytes } from "~/limit/words";
import { exact, isoOfInput, moment } from "~/ui/format";
import { bytesOf, wholeNumber } from "./tier-numbers";

/** What an account has instead of a limit; null is the limit's own. */
export type SavedOverride = {
  amount: number;
  burst: number | null;
  mode: Mode | null;
  until: string | null;
  note: string;
};

/** Where the burst comes from: from the limit, also when that changes; from the amount; or from what is typed. */
export type BurstOf = "LIMIT" | "AMOUNT" | "OWN";

/** An override as it is typed. */
export type OverrideDraft = {
  amount: string;
  burstOf: BurstOf;
  burst: string;
  mode: Mode | "";
  /** In the reader's time zone, to the second; empty for good. */
  until: string;
  note: string;
};

/** An amount of a limit as it is typed. */
export const typed = (count: number, limit: Limit) =>
  limit.measure === "BYTES" ? exactBytes(count) : exact.format(count);

export const amountOf = (text: string, limit: Limit) =>
  limit.measure === "BYTES" ? bytesOf(text) : wholeNumber(text);

/** As inputs want it that take seconds, without them where there are none. */
const inputSecond = (ms: number) => moment(ms).replace(" ", "T").replace(/:00$/, "");

/** What the form begins with. A new override has the limit's burst, or the amount's where the limit has that. */
export function draftOf(limit: Limit, saved: SavedOverride | null): OverrideDraft {
  if (!saved) {
    const burstOf = limit.burst === limit.amount ? "AMOUNT" : "LIMIT";
    return { amount: "", burstOf, burst: "", mode: "", until: "", note: "" };
  }
  return {
    amount: typed(saved.amount, limit),
    burstOf: saved.burst === null ? "LIMIT" : "OWN",
    burst: saved.burst === null ? "" : typed(saved.burst, limit),
    mode: saved.mode ?? "",
    until: saved.until === null ? "" : inputSecond(Date.parse(saved.until)),
    note: saved.note,
  };
}

export type OverrideInput = {
  amount: number;
  burst?: number;
  mode?: Mode;
  until?: string;
  note: string;
};

/** When the override ends; null: never. Fractions of a second that the form doesn't show stay. */
export function endOf(draft: OverrideDraft, limit: Limit, saved: SavedOverride | null) {
  if (draft.until === "") return null;
  if (saved && draft.until === draftOf(limit, saved).until) return saved.until;
  return isoOfInput(draft.until);
}

/** What is sent, or what is wrong with it by its field. What nobody touched goes back as it came. */
export function inputOf(
  draft: OverrideDraft,
  limit: Limit,
  saved: SavedOverride | null,
  nowMS: number,
): { input: OverrideInput } | { problems: Record<string, string> } {
  const amount = amountOf(draft.amount, limit);
  const burst = burstOf(draft, limit, amount);
  const until = endOf(draft, limit, saved);
  const problems: Record<string, string> = {};
  const wanted =
    limit.measure === "BYTES"
      ? "A size such as 500 MB, from 1 B to 1 TB."
      : "A whole number from 1 to 1,000,000,000,000.";
  if (amount === null) problems.amount = wanted;
  if (burst === null && draft.burstOf === "OWN" && limit.kind === "RATE") problems.burst = wanted;
  if (until === null && draft.until !== "") problems.until = "Give a date and a time.";
  if (until !== null && Date.parse(until) <= nowMS) problems.until = "Give a time to come.";
  if (amount === null || Object.keys(problems).length > 0) return { problems };
  return {
    input: {
      amount,
      ...(burst !== null && { burst }),
      ...(draft.mode !== "" && { mode: draft.mode }),
      ...(until !== null && { until }),
      note: draft.note.trim(),
    },
  };
}

/** The burst of its own that the override has; null for the limit's. */
function burstOf(draft: OverrideDraft, limit: Limit, amount: number | null): number | null {
  if (limit.kind !== "RATE" || draft.burstOf === "LIMIT") return null;
  return draft.burstOf === "AMOUNT" ? amount : amountOf(draft.burst, limit);
}

/** What the account gets: 5,000/h, and the burst where that isn't the limit's. */
export function gets(limit: Limit, override: { amount: number; burst?: number | null }): string {
  const rate = brief({ ...limit, amount: override.amount });
  const burst = override.burst ?? limit.burst;
  if (limit.kind !== "RATE" || burst === null || burst === limit.burst) return rate;
  return `${rate}, burst ${typed(burst, limit)}`;
}
