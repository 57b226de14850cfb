import type { Limit } from "~/limit/fields";
import { brief, exactBytes, exactSeconds } from "~/limit/words";
import { exact, plural } from "~/ui/format";
import { draftOf, inputOf, type LimitInput, type SavedTier, type TierDraft } from "./tier-form";

/** What saving will do, in one line for each limit. */
export function consequences(draft: TierDraft, saved: SavedTier): string[] {
  const before = new Map(inputOf(draftOf(saved)).limits.map((l) => [l.id, l]));
  const lines: string[] = [];
  let kept = 0;
  for (const limit of inputOf(draft).limits) {
    const old = limit.id === undefined ? undefined : before.get(limit.id);
    if (old) before.delete(old.id);
    if (!old) lines.push(`${limit.name || "A new limit"}: ${beginning(limit)}`);
    else if (JSON.stringify(limit) === JSON.stringify(old)) kept++;
    else lines.push(`${limit.name}: ${change(limit, old)}`);
  }
  for (const gone of before.values()) lines.push(`${gone.name}: no longer limits`);
  if (isReordered(draft, saved)) lines.push("The limits are listed in another order");
  if (kept > 0 && lines.length > 0) lines.push(`${plural(kept, "other limit")}: counters are kept`);
  return lines;
}

/** Whether the limits that stay stand in another order. */
function isReordered(draft: TierDraft, saved: SavedTier): boolean {
  const ids = draft.limits.flatMap((l) => (l.id === null ? [] : [l.id]));
  const before = saved.limits.map((l) => l.id).filter((id) => ids.includes(id));
  return before.some((id, i) => id !== ids[i]);
}

function beginning(limit: LimitInput): string {
  if (limit.mode === "SHADOW") return `counts what ${brief(limit)} would refuse, refuses nothing`;
  const soft = limit.mode === "SOFT" ? "soft, " : "";
  return `${soft}${brief(limit)} from now on, beginning ${limit.kind === "RATE" ? "full" : "unused"}`;
}

const modeChanges: Record<Limit["mode"], string> = {
  ENFORCE: "refuses from now on",
  SOFT: "lets through and marks from now on",
  SHADOW: "only counts from now on",
};

const measureChanges: Record<Limit["measure"], string> = {
  REQUESTS: "measures requests",
  BYTES: "measures bytes",
  COST: "measures cost",
};

const subjectChanges: Record<Limit["subject"], string> = {
  ACCOUNT: "counts the account as a whole",
  KEY: "counts each key by itself",
  ADDRESS: "counts each address by itself",
};

function change(limit: LimitInput, old: LimitInput): string {
  const parts: string[] = [];
  const size = (n: number) => (limit.measure === "BYTES" ? exactBytes(n) : exact.format(n));
  if (brief(limit) !== brief(old)) parts.push(`${brief(old)} becomes ${brief(limit)}`);
  else if (limit.kind !== old.kind) parts.push("counts another way");
  if (limit.burst !== undefined && old.burst !== undefined && limit.burst !== old.burst) {
    parts.push(`burst ${size(old.burst)} becomes ${size(limit.burst)}`);
  }
  if (limit.measure !== old.measure) parts.push(measureChanges[limit.measure]);
  if (limit.subject !== old.subject) parts.push(subjectChanges[limit.subject]);
  if (targetOf(limit) !== targetOf(old)) parts.push("counts other requests");
  if (limit.mode !== old.mode) parts.push(modeChanges[limit.mode]);
  else if (graceOf(limit) !== graceOf(old)) parts.push(graceOf(limit));
  if (limit.failMode !== old.failMode) {
    parts.push(
      limit.failMode === "OPEN"
        ? "lets through while its state is unknown"
        : "refuses while its state is unknown",
    );
  }
  if (limit.refundErrors !== old.refundErrors) {
    parts.push(limit.refundErrors ? "gives 5xx back" : "no longer gives 5xx back");
  }
  if (JSON.stringify(limit.adaptive) !== JSON.stringify(old.adaptive)) {
    parts.push(adaptiveChange(limit, old));
  }
  if (limit.name !== old.name) parts.push(`renamed from ${old.name}`);
  if (isAnew(limit, old)) parts.push("its counters begin anew");
  return parts.join(", ");
}

function adaptiveChange(limit: LimitInput, old: LimitInput): string {
  if (!limit.adaptive) return "no longer tightens";
  return old.adaptive ? "tightens by another rule" : "tightens while the upstream is unwell";
}

const isAnew = (limit: LimitInput, old: LimitInput) =>
  limit.kind !== old.kind || limit.measure !== old.measure || limit.subject !== old.subject;

const targetOf = (l: LimitInput) => `${l.selector} ${l.endpointId ?? ""} ${l.groupId ?? ""}`;

function graceOf({ gracePercent, graceSeconds }: LimitInput): string {
  const ends = [
    ...(gracePercent === undefined ? [] : [`${gracePercent}% over`]),
    ...(graceSeconds === undefined ? [] : [`${exactSeconds(graceSeconds)} over`]),
  ];
  return ends.length === 0 ? "never enforces" : `enforces from ${ends.join(" or ")}`;
}
