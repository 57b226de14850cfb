import { exact, percent } from "~/ui/format";
import type { Limit } from "./fields";
import {
  adaptiveSentence,
  brief,
  exactBytes,
  modeSentence,
  type NamedLimit,
  scopeWords,
  sentence,
  subjectWords,
} from "./words";

/** What became of a limit from one set of limits to another. */
export type LimitChange = "added" | "removed" | "changed" | "same";

/** One thing that differs; a null was not there, or is not any more. */
export type FieldDiff = { field: string; before: string | null; after: string | null };

export type LimitDiff = { name: string; change: LimitChange; fields: FieldDiff[] };

/**
 * What differs between two sets of limits, in the order of the new one, with those
 * that are gone at the end. Limits are the same when their ids are; with `byName`, as
 * of two tiers, when their names are.
 */
export function diffLimits(
  before: readonly NamedLimit[],
  after: readonly NamedLimit[],
  byName = false,
): LimitDiff[] {
  const keyOf = (l: NamedLimit) => (byName ? l.name : l.id);
  const old = new Map(before.map((l) => [keyOf(l), l]));
  const diffs = after.map((limit): LimitDiff => {
    const was = keyOf(limit) === null ? undefined : old.get(keyOf(limit));
    if (!was) return { name: limit.name, change: "added", fields: [whole(null, limit)] };
    old.delete(keyOf(limit));
    const fields = fieldDiffs(was, limit);
    return { name: limit.name, change: fields.length === 0 ? "same" : "changed", fields };
  });
  const gone = [...old.values()].map(
    (was): LimitDiff => ({ name: was.name, change: "removed", fields: [whole(was, null)] }),
  );
  return [...diffs, ...gone];
}

export const isDifferent = (diffs: readonly LimitDiff[]) => diffs.some((d) => d.change !== "same");

const whole = (before: NamedLimit | null, after: NamedLimit | null): FieldDiff => ({
  field: "Limit",
  before: before && sentence(before),
  after: after && sentence(after),
});

function fieldDiffs(before: NamedLimit, after: NamedLimit): FieldDiff[] {
  const now = new Map(facts(after));
  const diffs = facts(before).flatMap(([field, was]) => {
    const is = now.get(field) ?? "";
    return was === is ? [] : [{ field, before: was, after: is }];
  });
  return diffs.map((d) =>
    d.field === "Allows" ? { ...d, after: d.after + grown(before, after) } : d,
  );
}

/** By how much an amount is more or less, when both are of the same kind. */
function grown(before: NamedLimit, after: NamedLimit): string {
  const alike =
    before.measure === after.measure &&
    before.kind === after.kind &&
    before.period === after.period &&
    before.amount !== after.amount;
  if (!alike) return "";
  const part = after.amount / before.amount - 1;
  return ` (${part > 0 ? "+" : "−"}${percent(Math.abs(part))})`;
}

const kindWords: Record<Limit["kind"], string> = {
  RATE: "rate",
  WINDOW: "strict window",
  QUOTA: "quota",
};
const measureWords: Record<Limit["measure"], string> = {
  REQUESTS: "requests",
  BYTES: "bytes",
  COST: "cost",
};

/** Everything that a limit says, each with its name. */
function facts(limit: NamedLimit): Array<[string, string]> {
  const size = (n: number) => (limit.measure === "BYTES" ? exactBytes(n) : exact.format(n));
  return [
    ["Name", limit.name],
    ["Allows", brief(limit)],
    ["Burst", limit.kind === "RATE" ? size(limit.burst ?? limit.amount) : "–"],
    ["Kind", kindWords[limit.kind]],
    ["Measures", measureWords[limit.measure]],
    ["Whose", subjectWords[limit.subject]],
    ["Requests", scopeWords(limit)],
    ["Mode", modeSentence(limit)],
    ["While unknown", limit.failMode === "OPEN" ? "lets through" : "refuses"],
    ["5xx", limit.refundErrors ? "given back" : "counted"],
    [
      "Tightens",
      limit.adaptive && limit.kind !== "QUOTA" ? adaptiveSentence(limit.adaptive) : "never",
    ],
  ];
}
