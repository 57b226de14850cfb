import { useState } from "react";
import { useLocation } from "wouter";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { useFreshness, useHref, useQueryState } from "~/app/location";
import { paths } from "~/app/paths";
import { LimitFields } from "~/limit/fields";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { ErrorState, Loading, Skeleton, StaleNotice } from "~/ui/states";
import { NotFound } from "./NotFound";
import { CopyTierButton } from "./tier-copy";
import { TierDetails } from "./tier-details";
import { TierHead } from "./tier-head";
import { TierMovePanel } from "./tier-move-panel";
import { type Change, RolloutProgress } from "./tier-rollout";
import { PublishAgain } from "./tier-version-again";
import { VersionDiff } from "./tier-version-diff";
import { VersionTable } from "./tier-version-rows";

const VersionsQuery = graphql(
  `
  query TierVersions($id: ID!, $after: String) {
    tier(id: $id) {
      ...TierDetails
      versions(first: 20, after: $after) {
        nodes {
          id
          number
          note
          current
          accountCount
          publishedAt
          publishedBy {
            kind
            name
          }
          limits {
            ...LimitFields
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
        totalCount
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
  [TierDetails, LimitFields],
);

export type Version = NonNullable<
  ResultOf<typeof VersionsQuery>["tier"]
>["versions"]["nodes"][number];

/** What a tier was: who published which version, why, who is on it, and what differs. */
export default function TierVersions({ id }: { id: string }) {
  const [query, setQuery] = useQueryState();
  const [again, setAgain] = useState<Version | null>(null);
  const [change, setChange] = useState<Change | null>(null);
  const { viewer, may } = useViewer();
  const [, navigate] = useLocation();
  const href = useHref();
  const after = query.get("after");
  const { data, error, loading, reload } = usePolled({
    query: VersionsQuery,
    variables: { id, after },
    everyMS: useFreshness(),
  });
  if (error && !data)
    return <ErrorState page="Versions" what="the versions" error={error} retry={reload} />;
  if (loading || !data) {
    return (
      <Loading page="Tiers" what="the versions">
        <Skeleton className="h-10 w-48" />
        <Skeleton className="mt-6 h-56 w-full" />
        <Skeleton className="mt-4 h-40 w-full" />
      </Loading>
    );
  }
  const { tier, defaults } = data;
  if (!tier) return <NotFound what="tier" />;
  const role =
    tier.id === defaults.tier.id
      ? "default"
      : tier.id === defaults.anonymousTier?.id
        ? "anonymous"
        : null;
  const mayEdit = may("POLICY_WRITE");
  return (
    <>
      <TierHead
        tier={tier}
        role={role}
        at="versions"
        actions={mayEdit && <CopyTierButton tier={tier} />}
      />
      <StaleNotice error={error} retry={reload} />
      {change && <RolloutProgress change={change} />}
      <TierMovePanel tierId={id} past />
      <Panel title="Versions" note="What was published stays as it is, for good">
        <VersionTable
          versions={tier.versions.nodes}
          onCompare={(v) => setQuery({ from: v.id, to: tier.version.id })}
          onPreview={
            role !== "anonymous" && may("USAGE_READ") && !viewer?.account
              ? (v) => navigate(href(paths.tierVersionPreview(id, v.id)))
              : null
          }
          onAgain={mayEdit ? setAgain : null}
        />
        <Pager
          page={tier.versions.pageInfo}
          after={after}
          onTurn={(to) => setQuery({ after: to })}
        />
      </Panel>
      <VersionDiff
        tier={tier}
        versions={tier.versions.nodes}
        from={query.get("from")}
        to={query.get("to")}
        onChoose={setQuery}
      />
      {again && (
        <PublishAgain
          tier={tier}
          version={again}
          onPublished={(next) => {
            setAgain(null);
            setChange(next);
          }}
          onStale={reload}
          onClose={() => setAgain(null)}
        />
      )}
    </>
  );
}
