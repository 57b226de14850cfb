import { useState } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useRange } from "~/app/location";
import { paths } from "~/app/paths";
import { readableGranularity, spanWords } from "~/app/range";
import { type Limit, LimitFields } from "~/limit/fields";
import { ModeBadge } from "~/limit/ModeBadge";
import { headline, Verdicts } from "~/limit/verdicts";
import { sentence } from "~/limit/words";
import { Copyable } from "~/ui/Copyable";
import { PageHead, Panel } from "~/ui/Panel";
import { ErrorState, Skeleton, StaleNotice } from "~/ui/states";
import { AffectedAccounts } from "./limit-accounts";
import { EffectChart } from "./limit-chart";
import { EnforceLimit } from "./limit-enforce";
import { NotFound } from "./NotFound";
import { type Change, RolloutProgress } from "./tier-rollout";

const EffectQuery = graphql(
  `
    query LimitEffect($id: ID!, $from: Time!, $to: Time, $granularity: Granularity!) {
      limitEffect(limitId: $id, from: $from, to: $to, granularity: $granularity) {
        limit {
          ...LimitFields
        }
        points {
          at
          totals {
            ...Verdicts
          }
        }
        totals {
          ...Verdicts
        }
        accounts {
          account {
            id
            name
          }
          totals {
            ...Verdicts
          }
        }
      }
      tiers(first: 1000) {
        nodes {
          id
          name
          revision
          accountCount
          limits {
            ...LimitFields
          }
        }
      }
      endpoints(first: 1000) {
        nodes {
          id
          group {
            id
          }
        }
      }
    }
  `,
  [LimitFields, Verdicts],
);

export type Effect = ResultOf<typeof EffectQuery>["limitEffect"];
export type LimitTier = ResultOf<typeof EffectQuery>["tiers"]["nodes"][number];

const ReachQuery = graphql(`
  query LimitReach($from: Time!, $to: Time, $tierId: ID!, $filter: UsageFilter) {
    limitActivity(from: $from, to: $to, tierId: $tierId) {
      limit {
        id
      }
      accounts
    }
    usage(from: $from, to: $to, granularity: MONTH, filter: $filter) {
      totals {
        allowed
        throttled
      }
    }
  }
`);

/** How many accounts limitEffect lists at most. */
const mostAccounts = 20;

/** One limit: what it did, or as a shadow would have done, to whom. */
export default function LimitPage({ id }: { id: string }) {
  const { range, window, from, to } = useRange();
  const granularity = readableGranularity(window.toMS - window.fromMS);
  const { data, error, reload } = usePolled({
    query: EffectQuery,
    variables: { id, from, to, granularity },
    everyMS: useFreshness(),
  });
  const [change, setChange] = useState<Change | null>(null);
  const effect = data?.limitEffect;
  const tier = data?.tiers.nodes.find((t) => t.limits.some((l) => l.id === id));
  const isGone = error?.graphQLErrors.some((e) => e.extensions?.code === "NOT_FOUND");
  if (isGone) return <NotFound what="limit" />;
  if (error && !data)
    return <ErrorState page="Limit" what="the limit" error={error} retry={reload} />;
  const limit = effect?.limit;
  return (
    <>
      <PageHead
        name={limit?.name}
        within={tier ? [tier.name, "Tiers"] : ["Tiers"]}
        trail={
          <AppLink
            to={tier ? paths.tier(tier.id) : paths.tiers}
            className="hover:text-accent hover:underline"
          >
            {tier ? `Tiers / ${tier.name}` : "Tiers"}
          </AppLink>
        }
        title={
          limit ? (
            <>
              <span className="font-mono">{limit.name}</span> <ModeBadge mode={limit.mode} />
            </>
          ) : (
            <Skeleton className="h-6 w-48" />
          )
        }
        note={limit ? sentence(limit) : <Skeleton className="mt-1 h-4 w-80 max-w-full" />}
        actions={
          limit &&
          tier &&
          limit.mode === "SHADOW" && (
            <EnforceLimit limit={limit} tier={tier} onEnforced={setChange} />
          )
        }
      />
      <StaleNotice error={error} retry={reload} />
      {change && <RolloutProgress change={change} />}
      <Panel title="In words">
        <p className="px-4 pb-4 text-title font-semibold text-balance">
          {effect && limit && tier ? (
            <Headline
              effect={effect}
              limit={limit}
              tier={tier}
              endpoints={data.endpoints.nodes}
              span={spanWords(range)}
            />
          ) : (
            <Skeleton className="h-6 w-96 max-w-full" />
          )}
        </p>
      </Panel>
      <EffectChart id={id} effect={effect} granularity={granularity} />
      <AffectedAccounts accounts={effect?.accounts} measure={limit?.measure ?? "REQUESTS"} />
      <p className="flex items-center gap-2 text-small text-faint">
        Limit id <Copyable text={id} label="Copy limit id" />
      </p>
    </>
  );
}

type Endpoint = { id: string; group: { id: string } | null };

function Headline({
  effect,
  limit,
  tier,
  endpoints,
  span,
}: {
  effect: Effect;
  limit: Limit;
  tier: LimitTier;
  endpoints: Endpoint[];
  span: string;
}) {
  const { from, to } = useRange();
  const accountIds = effect.accounts.flatMap((a) => (a.account ? [a.account.id] : []));
  const endpointIds = countedEndpoints(limit, endpoints);
  const { data } = usePolled({
    query: ReachQuery,
    variables: {
      from,
      to,
      tierId: tier.id,
      filter: { accountIds, ...(endpointIds && { endpointIds }) },
    },
    everyMS: useFreshness(),
  });
  const activity = data?.limitActivity.find((a) => a.limit.id === limit.id);
  const accounts = Math.max(activity?.accounts ?? 0, accountIds.length);
  const totals = data?.usage.totals;
  // Only where the affected accounts are all known, and usage can be narrowed to what it counts.
  const isKnown =
    totals !== undefined &&
    accountIds.length > 0 &&
    accounts <= mostAccounts &&
    limit.selector !== "READS" &&
    limit.selector !== "WRITES";
  const requests = isKnown ? totals.allowed + totals.throttled : null;
  return headline(limit.mode, effect.totals, { requests, accounts, span });
}

/** The endpoints whose requests the limit counts; null for all. */
function countedEndpoints(limit: Limit, endpoints: Endpoint[]): string[] | null {
  if (limit.endpoint) return [limit.endpoint.id];
  if (!limit.group) return null;
  return endpoints.filter((e) => e.group?.id === limit.group?.id).map((e) => e.id);
}
