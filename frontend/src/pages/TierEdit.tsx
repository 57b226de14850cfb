import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { ErrorState, Loading, Skeleton } from "~/ui/states";
import { NotFound } from "./NotFound";
import { TierDetails } from "./tier-details";
import type { TierRole } from "./tier-head";
import { TierPage } from "./tier-page";

const TierQuery = graphql(
  `
  query TierEdit($id: ID!, $exists: Boolean!) {
    tier(id: $id) @include(if: $exists) {
      ...TierDetails
    }
    endpoints(first: 1000) {
      nodes {
        id
        method
        template
      }
    }
    endpointGroups(first: 200) {
      nodes {
        id
        name
      }
    }
    defaults {
      tier {
        id
      }
      anonymousTier {
        id
      }
    }
  }
`,
  [TierDetails],
);

type Answer = ResultOf<typeof TierQuery>;

/** Creates a tier (`id` is null) or changes one. */
export default function TierEdit({ id }: { id: string | null }) {
  const { data, error, loading, reload } = usePolled({
    query: TierQuery,
    variables: { id: id ?? "", exists: id !== null },
    everyMS: null,
  });
  if (error && !data)
    return <ErrorState page="Tier" what="the tier" error={error} retry={reload} />;
  if (loading || !data) {
    return (
      <Loading page={id === null ? "New tier" : "Tiers"} what="the tier">
        <Skeleton className="h-10 w-48" />
        <Skeleton className="mt-6 h-16 w-full" />
        <Skeleton className="mt-4 h-56 w-full" />
      </Loading>
    );
  }
  if (id !== null && !data.tier) return <NotFound what="tier" />;
  const catalog = { endpoints: data.endpoints.nodes, groups: data.endpointGroups.nodes };
  const role = roleOf(id, data.defaults);
  return <TierPage latest={data.tier ?? null} catalog={catalog} role={role} reload={reload} />;
}

function roleOf(id: string | null, defaults: Answer["defaults"]): TierRole {
  if (id === null) return null;
  if (id === defaults.tier.id) return "default";
  return id === defaults.anonymousTier?.id ? "anonymous" : null;
}
