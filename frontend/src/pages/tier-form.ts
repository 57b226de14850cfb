import { limitRate, type Period, plural } from "~/ui/format";

/** A limit as it is being typed. */
export type LimitDraft = {
  /** Tells rows apart while they move; not the limit's id. */
  key: string;
  /** The limit it changes; null for a new one. */
  id: string | null;
  name: string;
  /** Empty for all requests of the account. */
  endpointId: string;
  amount: string;
  period: Period;
  /** Empty for the same as the amount. */
  burst: string;
};

export type TierDraft = { name: string; limits: LimitDraft[] };

export type SavedLimit = {
  id: string;
  name: string;
  endpoint: { id: string } | null;
  amount: number;
  period: Period;
  burst: number;
};
export type SavedTier = { name: string; limits: SavedLimit[] };

const mostLimits = 32;
const largest = 1e12;
const limitName = /^[a-z0-9-]{1,64}$/;

let rows = 0;
const rowKey = () => `row-${++rows}`;

export function draftOf(tier: SavedTier): TierDraft {
  return {
    name: tier.name,
    limits: tier.limits.map((limit) => ({
      key: limit.id,
      id: limit.id,
      name: limit.name,
      endpointId: limit.endpoint?.id ?? "",
      amount: String(limit.amount),
      period: limit.period,
      burst: limit.burst === limit.amount ? "" : String(limit.burst),
    })),
  };
}

export function newLimit(taken: string[]): LimitDraft {
  const free = ["account", "burst", "endpoint"].find((name) => !taken.includes(name));
  return {
    key: rowKey(),
    id: null,
    name: free ?? "",
    endpointId: "",
    amount: "",
    period: "MINUTE",
    burst: "",
  };
}

/** Reads a whole number as people type it: 1000, 1,000, 1 000. */
export function wholeNumber(text: string): number | null {
  const digits = text.replace(/[\s,_]/g, "");
  if (!/^\d+$/.test(digits)) return null;
  const value = Number(digits);
  return value >= 1 && value <= largest ? value : null;
}

const numberHint = "A whole number from 1 to 1,000,000,000,000.";

/** What is wrong with the draft, by the same field paths that the server uses. */
export function validate(draft: TierDraft): Record<string, string> {
  const problems: Record<string, string> = {};
  const name = draft.name.trim();
  if (name === "") problems.name = "A tier needs a name.";
  else if ([...name].length > 64) problems.name = "At most 64 characters.";
  if (draft.limits.length > mostLimits) problems.limits = `At most ${mostLimits} limits.`;
  draft.limits.forEach((limit, i) => {
    const at = `limits.${i}`;
    const twin = draft.limits.findIndex((other) => other.name === limit.name);
    if (!limitName.test(limit.name)) {
      problems[`${at}.name`] = "1 to 64 lower-case letters, digits and hyphens.";
    } else if (twin < i) {
      problems[`${at}.name`] = "Another limit of this tier has this name.";
    }
    if (wholeNumber(limit.amount) === null) problems[`${at}.amount`] = numberHint;
    if (limit.burst.trim() !== "" && wholeNumber(limit.burst) === null) {
      problems[`${at}.burst`] = numberHint;
    }
  });
  return problems;
}

/** A valid draft as the API wants it. */
export function inputOf(draft: TierDraft) {
  return {
    name: draft.name.trim(),
    limits: draft.limits.map((limit) => {
      const amount = wholeNumber(limit.amount) ?? 0;
      return {
        ...(limit.id !== null && { id: limit.id }),
        name: limit.name,
        ...(limit.endpointId !== "" && { endpointId: limit.endpointId }),
        amount,
        period: limit.period,
        burst: wholeNumber(limit.burst) ?? amount,
      };
    }),
  };
}

export function isChanged(draft: TierDraft, saved: SavedTier | null): boolean {
  return JSON.stringify(inputOf(draft)) !== JSON.stringify(inputOf(draftOf(saved ?? blank)));
}

export const blank: SavedTier = { name: "", limits: [] };

/** What saving will do, in one line for each limit. */
export function consequences(draft: TierDraft, saved: SavedTier): string[] {
  const before = new Map(saved.limits.map((l) => [l.id, l]));
  const lines: string[] = [];
  let kept = 0;
  for (const limit of inputOf(draft).limits) {
    const old = limit.id === undefined ? undefined : before.get(limit.id);
    if (old) before.delete(old.id);
    const rate = limitRate(limit.amount, limit.period);
    if (!old) lines.push(`${limit.name || "A new limit"}: ${rate} from now on, beginning full`);
    else if (isSame(limit, old)) kept++;
    else lines.push(`${limit.name}: ${change(limit, old)}`);
  }
  for (const gone of before.values()) lines.push(`${gone.name}: no longer limits`);
  if (kept > 0 && lines.length > 0) lines.push(`${plural(kept, "other limit")}: counters are kept`);
  return lines;
}

type LimitInput = ReturnType<typeof inputOf>["limits"][number];

function isSame(limit: LimitInput, old: SavedLimit): boolean {
  return (
    limit.name === old.name &&
    (limit.endpointId ?? null) === (old.endpoint?.id ?? null) &&
    limit.amount === old.amount &&
    limit.period === old.period &&
    limit.burst === old.burst
  );
}

function change(limit: LimitInput, old: SavedLimit): string {
  const parts: string[] = [];
  if (limit.amount !== old.amount || limit.period !== old.period) {
    parts.push(
      `${limitRate(old.amount, old.period)} becomes ${limitRate(limit.amount, limit.period)}`,
    );
  }
  if (limit.burst !== old.burst) {
    parts.push(
      `burst ${old.burst.toLocaleString("en-US")} becomes ${limit.burst.toLocaleString("en-US")}`,
    );
  }
  if (limit.name !== old.name) parts.push(`renamed from ${old.name}`);
  if ((limit.endpointId ?? null) !== (old.endpoint?.id ?? null)) parts.push("other requests");
  return parts.join(", ");
}
