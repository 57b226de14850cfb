import { useMemo } from "react";
import { graphql } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useFreshness, useRange } from "~/app/location";
import { deedOf, Verdicts } from "~/limit/verdicts";
import type { Deeds } from "./tier-limit-row";

const TierDeeds = graphql(
  `
  query TierDeeds($from: Time!, $to: Time, $tierId: ID!) {
    limitActivity(from: $from, to: $to, tierId: $tierId) {
      limit {
        id
      }
      totals {
        ...Verdicts
      }
    }
  }
`,
  [Verdicts],
);

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
