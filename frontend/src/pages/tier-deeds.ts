import { useMemo } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useFreshness, useRange } from "~/app/location";
import { short } from "~/ui/format";
import type { Deeds } from "./tier-limit-row";

const TierDeeds = graphql(`
  query TierDeeds($from: Time!, $to: Time, $tierId: ID!) {
    limitActivity(from: $from, to: $to, tierId: $tierId) {
      limit {
        id
      }
      totals {
        denied
        over
        shadowed
        failedOpen
      }
    }
  }
`);

export type VerdictCounts = ResultOf<typeof TierDeeds>["limitActivity"][number]["totals"];

/** What a limit did, the gravest first. */
export function deedOf(totals: VerdictCounts): string {
  const parts = [
    ...(totals.denied > 0 ? [`${short(totals.denied)} refused`] : []),
    ...(totals.shadowed > 0 ? [`${short(totals.shadowed)} would be refused`] : []),
    ...(totals.over > 0 ? [`${short(totals.over)} over`] : []),
    ...(totals.failedOpen > 0 ? [`${short(totals.failedOpen)} unchecked`] : []),
  ];
  return parts.join(", ");
}

/** What a tier's limits did in the global time range, in a few words each. */
export function useDeeds(tierId: string | null): Deeds {
  const { from, to } = useRange();
  const { data } = usePolled({
    query: TierDeeds,
    variables: { from, to, tierId: tierId ?? "" },
    everyMS: useFreshness(),
    pause: tierId === null,
  });
  return useMemo(
    () => new Map(data?.limitActivity.map((a) => [a.limit.id, deedOf(a.totals)])),
    [data],
  );
}
