import type { FailMode, Kind, Limit, Measure, Mode, Period, Subject } from "~/limit/fields";
import { exactBytes, exactSeconds, type NamedLimit, periodsOf, usualFailMode } from "~/limit/words";
import { bytesOf, secondsOf, wholeNumber } from "./tier-numbers";

/** A limit as it is being typed. */
export type LimitDraft = {
  /** Tells rows apart while they move; not the limit's id. */
  key: string;
  /** The limit it changes; null for a new one. */
  id: string | null;
  name: string;
  subject: Subject;
  /** ALL, READS, WRITES, ENDPOINT:id or GROUP:id. */
  target: string;
  measure: Measure;
  kind: Kind;
  /** A whole number; with measure BYTES, a unit may follow. */
  amount: string;
  period: Period;
  /** Empty for the same as the amount. Counts with kind RATE only. */
  burst: string;
  mode: Mode;
  /** Empty for never. Counts with mode SOFT only, like graceTime. */
  gracePercent: string;
  graceTime: string;
  failMode: FailMode;
  refundErrors: boolean;
  adaptive: AdaptiveDraft | null;
};

/** An empty text is a bound that doesn't count. */
export type AdaptiveDraft = {
  errorPercent: string;
  slowMs: string;
  slowPercent: string;
  floorPercent: string;
};

export type TierDraft = { name: string; limits: LimitDraft[] };
export type SavedTier = { name: string; limits: Limit[] };

export const blank: SavedTier = { name: "", limits: [] };

let rows = 0;
const rowKey = () => `row-${++rows}`;

const textOf = (n: number | null) => (n === null ? "" : String(n));

export function draftOf(tier: SavedTier): TierDraft {
  return { name: tier.name, limits: tier.limits.map(limitDraft) };
}

function limitDraft(limit: Limit): LimitDraft {
  const amountText = (n: number) => (limit.measure === "BYTES" ? exactBytes(n) : String(n));
  const { adaptive } = limit;
  return {
    key: limit.id,
    id: limit.id,
    name: limit.name,
    subject: limit.subject,
    target: targetOf(limit),
    measure: limit.measure,
    kind: limit.kind,
    amount: amountText(limit.amount),
    period: limit.period,
    burst: limit.burst === null || limit.burst === limit.amount ? "" : amountText(limit.burst),
    mode: limit.mode,
    gracePercent: textOf(limit.gracePercent),
    graceTime: limit.graceSeconds === null ? "" : exactSeconds(limit.graceSeconds),
    failMode: limit.failMode,
    refundErrors: limit.refundErrors,
    adaptive: adaptive && {
      errorPercent: textOf(adaptive.errorPercent),
      slowMs: textOf(adaptive.slowMs),
      slowPercent: textOf(adaptive.slowPercent),
      floorPercent: String(adaptive.floorPercent),
    },
  };
}

function targetOf(limit: Limit): string {
  if (limit.selector === "ENDPOINT") return `ENDPOINT:${limit.endpoint?.id ?? ""}`;
  if (limit.selector === "GROUP") return `GROUP:${limit.group?.id ?? ""}`;
  return limit.selector;
}

/** A draft of a new limit: a rate of requests a minute, unless `own` says otherwise. */
export function newLimit(taken: string[], own: Partial<LimitDraft> = {}): LimitDraft {
  const kind = own.kind ?? "RATE";
  return {
    subject: "ACCOUNT",
    target: "ALL",
    measure: "REQUESTS",
    amount: "",
    period: "MINUTE",
    burst: "",
    mode: "ENFORCE",
    gracePercent: "",
    graceTime: "",
    failMode: usualFailMode(kind),
    refundErrors: false,
    adaptive: null,
    ...own,
    kind,
    key: rowKey(),
    id: null,
    name: freeName(own.name ?? "requests", taken),
  };
}

function freeName(wanted: string, taken: string[]): string {
  if (!taken.includes(wanted)) return wanted;
  for (let n = 2; ; n++) if (!taken.includes(`${wanted}-${n}`)) return `${wanted}-${n}`;
}

/** A copy that only counts, to see what a stricter amount would do. */
export const shadowCopy = (limit: LimitDraft, taken: string[]): LimitDraft =>
  newLimit(taken, { ...limit, name: `${limit.name.slice(0, 57)}-shadow`, mode: "SHADOW" });

/** The draft with another kind, and with what suits only the old one put right. */
export function withKind(limit: LimitDraft, kind: Kind): Partial<LimitDraft> {
  const fits = periodsOf[kind].includes(limit.period);
  return {
    kind,
    ...(!fits && { period: kind === "QUOTA" ? "MONTH" : "DAY" }),
    ...(limit.failMode === usualFailMode(limit.kind) && { failMode: usualFailMode(kind) }),
    ...(kind === "QUOTA" && limit.subject === "ADDRESS" && { subject: "ACCOUNT" }),
  };
}

const amountOf = (text: string, measure: Measure) =>
  measure === "BYTES" ? bytesOf(text) : wholeNumber(text);

/** The amount that is typed, or null while it is none. */
export const draftAmount = (limit: LimitDraft) => amountOf(limit.amount, limit.measure);
export const draftBurst = (limit: LimitDraft) => amountOf(limit.burst, limit.measure);

/** A valid draft as the API wants it. */
export function inputOf(draft: TierDraft) {
  return { name: draft.name.trim(), limits: draft.limits.map(limitInput) };
}

export type LimitInput = ReturnType<typeof limitInput>;

function limitInput(limit: LimitDraft) {
  const amount = draftAmount(limit) ?? 0;
  const [selector, target = ""] = limit.target.split(":") as [Limit["selector"], string?];
  const gracePercent = wholeNumber(limit.gracePercent);
  const graceSeconds = secondsOf(limit.graceTime);
  const soft = limit.mode === "SOFT";
  const { adaptive } = limit;
  return {
    ...(limit.id !== null && { id: limit.id }),
    name: limit.name,
    subject: limit.subject,
    selector,
    ...(selector === "ENDPOINT" && { endpointId: target }),
    ...(selector === "GROUP" && { groupId: target }),
    measure: limit.measure,
    kind: limit.kind,
    amount,
    period: limit.period,
    ...(limit.kind === "RATE" && { burst: draftBurst(limit) ?? amount }),
    mode: limit.mode,
    ...(soft && gracePercent !== null && { gracePercent }),
    ...(soft && graceSeconds !== null && { graceSeconds }),
    failMode: limit.failMode,
    refundErrors: limit.refundErrors,
    ...(adaptive && limit.kind !== "QUOTA" && { adaptive: adaptiveInput(adaptive) }),
  };
}

function adaptiveInput(draft: AdaptiveDraft) {
  const errorPercent = wholeNumber(draft.errorPercent);
  const slowMs = wholeNumber(draft.slowMs);
  const slowPercent = wholeNumber(draft.slowPercent);
  return {
    ...(errorPercent !== null && { errorPercent }),
    ...(slowMs !== null && { slowMs }),
    ...(slowPercent !== null && { slowPercent }),
    floorPercent: wholeNumber(draft.floorPercent) ?? 0,
  };
}

/** The limits of a draft as they are told; those without an amount are left out. */
export function namedLimits(draft: TierDraft, catalog: Catalog): NamedLimit[] {
  return draft.limits.flatMap((limit) => {
    const words = wordsOf(limit, catalog);
    return words ? [{ ...words, id: limit.id, name: limit.name }] : [];
  });
}

export function isChanged(draft: TierDraft, saved: SavedTier | null): boolean {
  return JSON.stringify(inputOf(draft)) !== JSON.stringify(inputOf(draftOf(saved ?? blank)));
}

export type Catalog = {
  endpoints: Array<{ id: string; method: string; template: string }>;
  groups: Array<{ id: string; name: string }>;
};

/** What a draft says, for the sentence; null while its amount is not one. */
export function wordsOf(draft: LimitDraft, catalog: Catalog) {
  if (draftAmount(draft) === null) return null;
  const input = limitInput(draft);
  return {
    ...input,
    endpoint: catalog.endpoints.find((e) => e.id === input.endpointId) ?? null,
    group: catalog.groups.find((g) => g.id === input.groupId) ?? null,
    burst: input.burst ?? null,
    gracePercent: input.gracePercent ?? null,
    graceSeconds: input.graceSeconds ?? null,
    adaptive: input.adaptive
      ? { errorPercent: null, slowMs: null, slowPercent: null, ...input.adaptive }
      : null,
  };
}
