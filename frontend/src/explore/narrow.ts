import { type Granularity, type Preset, presets, type Range } from "~/app/range";
import {
  coarserThan,
  type Dimension,
  dimensionNames,
  granularities,
  isMetered,
  type Question,
} from "./question";

/** A way to make a question smaller that takes one click. */
export type Offer = {
  label: string;
  changes: Record<string, string | null>;
};

const shortestFirst = Object.keys(presets) as Preset[];

const uncountedBy = (q: Question): Dimension[] =>
  q.meter === null
    ? []
    : dimensionNames.filter((d) => !isMetered(d) && (q.groupBy.includes(d) || q.filter[d]));

/** Why no answer of any size exists; null where one of less could. */
export function contradiction(q: Question): string | null {
  const uncounted = uncountedBy(q);
  return uncounted.length === 0
    ? null
    : `Custom meters are not counted by ${uncounted.join(" or ")}.`;
}

/** What takes a contradiction back: what the meter isn't counted by, or the meter. */
function reconciled(q: Question, uncounted: Dimension[]): Offer[] {
  const changes: Offer["changes"] = {};
  for (const d of uncounted) if (q.filter[d]) changes[d] = null;
  const groupBy = q.groupBy.filter(isMetered);
  if (groupBy.length < q.groupBy.length) changes.group = groupBy.join(",") || "account";
  return [
    { label: `Leave out ${uncounted.join(" and ")}`, changes },
    { label: "Show requests", changes: { measure: null } },
  ];
}

/** What would make a refused question answerable: the least of a change first. */
export function offers(q: Question, range: Range, granularity: Granularity): Offer[] {
  const uncounted = uncountedBy(q);
  if (uncounted.length > 0) return reconciled(q, uncounted);
  const found: Offer[] = [];
  const coarser = coarserThan(granularity)[0];
  if (coarser) {
    found.push({
      label: `Show ${granularities[coarser].label.toLowerCase()}`,
      changes: { points: coarser.toLowerCase() },
    });
  }
  if (q.zone !== "utc") found.push({ label: "Use UTC", changes: { zone: null } });
  if (q.top > 10) found.push({ label: "Only the 10 largest", changes: { top: null } });
  if (q.groupBy.length === 2) {
    found.push({
      label: `Group by ${q.groupBy[0]} only`,
      changes: { group: q.groupBy[0] ?? null },
    });
  }
  if (q.meter !== null) {
    found.push({ label: "Show requests", changes: { measure: null } });
  }
  const spanMS = range.preset === null ? range.toMS - range.fromMS : presets[range.preset].ms;
  const shorter = shortestFirst.findLast((p) => presets[p].ms < spanMS);
  if (shorter) {
    found.push({
      label: presets[shorter].label,
      changes: { range: shorter, from: null, to: null, points: null },
    });
  }
  if (q.compare !== null) found.push({ label: "Don’t compare", changes: { compare: null } });
  return found;
}
