import { graphql, type ResultOf } from "~/api/gql";
import { exact, percent, plural, ratio, short } from "~/ui/format";
import type { Mode } from "./fields";

/** What a limit said of requests that it didn't simply let through. */
export const Verdicts = graphql(`
  fragment Verdicts on VerdictTotals @_unmask {
    denied
    over
    overAmount
    shadowed
    failedOpen
  }
`);

export type VerdictTotals = ResultOf<typeof Verdicts>;
type Counts = Omit<VerdictTotals, "overAmount">;

/** What a limit did, the gravest first, in few words; empty when it did nothing. */
export function deedOf(totals: Counts): string {
  const parts = [
    ...(totals.denied > 0 ? [`${short(totals.denied)} refused`] : []),
    ...(totals.shadowed > 0 ? [`${short(totals.shadowed)} would be refused`] : []),
    ...(totals.over > 0 ? [`${short(totals.over)} over`] : []),
    ...(totals.failedOpen > 0 ? [`${short(totals.failedOpen)} unchecked`] : []),
  ];
  return parts.join(", ");
}

const verbs: Record<Mode, { verb: string; count: (t: Counts) => number }> = {
  ENFORCE: { verb: "Refused", count: (t) => t.denied },
  SOFT: { verb: "Let through over it:", count: (t) => t.over },
  SHADOW: { verb: "Would have refused", count: (t) => t.shadowed },
};

/**
 * What a limit did in a time range, in one sentence. `requests` is how many
 * requests the affected accounts sent that it counts, where that is known.
 */
export function headline(
  mode: Mode,
  totals: Counts,
  { requests, accounts, span }: { requests: number | null; accounts: number; span: string },
): string {
  const { verb, count } = verbs[mode];
  const hits = count(totals);
  if (hits === 0) {
    const nothing: Record<Mode, string> = {
      ENFORCE: "Refused nothing",
      SOFT: "Nothing was over it",
      SHADOW: "Would have refused nothing",
    };
    return `${nothing[mode]} ${span}`;
  }
  const part = requests === null ? null : ratio(hits, Math.max(hits, requests));
  const of =
    part === null || requests === null
      ? `${plural(hits, "request")}`
      : `${exact.format(hits)} of ${plural(Math.max(hits, requests), "request")} (${percent(part)})`;
  return `${verb} ${of} of ${plural(accounts, "account")} ${span}`;
}
