import { graphql } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useRange } from "~/app/location";
import { paths } from "~/app/paths";
import { readableGranularity } from "~/app/range";
import { StatusBadge } from "~/ui/Badge";
import { Copyable } from "~/ui/Copyable";
import { limitRate, moment } from "~/ui/format";
import { Meter } from "~/ui/Meter";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, Loading, Skeleton, StaleNotice } from "~/ui/states";
import { AccountActions } from "./account-actions";
import { AccountKeys } from "./account-keys";
import { NotFound } from "./NotFound";
import { UsagePanel, usageTotals } from "./usage-panel";

const AccountQuery = graphql(`
  query Account($id: ID!) {
    account(id: $id) {
      id
      name
      status
      createdAt
      tier {
        id
        name
        limits {
          id
          name
          scope
          amount
          period
        }
      }
      levels {
        remaining
        used
        observedAt
        limit {
          id
          name
          scope
          amount
          period
          burst
          endpoint {
            method
            template
          }
        }
      }
      keys {
        id
        name
        prefix
        createdAt
        revokedAt
      }
    }
    tiers {
      id
      name
    }
  }
`);

const AccountUsage = graphql(
  `
    query AccountUsage($ids: [ID!]!, $from: Time!, $to: Time, $granularity: Granularity!) {
      usage(from: $from, to: $to, granularity: $granularity, filter: { accountIds: $ids }) {
        points {
          at
          totals {
            ...UsageTotals
          }
        }
        totals {
          ...UsageTotals
        }
      }
    }
  `,
  [usageTotals],
);

/** One account: how it stands, what it used, its keys, and what can be done about it. */
export default function Account({ id }: { id: string }) {
  const everyMS = useFreshness();
  const { data, error, loading, reload } = usePolled({
    query: AccountQuery,
    variables: { id },
    everyMS,
  });
  if (error && !data)
    return <ErrorState page="Account" what="the account" error={error} retry={reload} />;
  if (data && !data.account) return <NotFound what="account" />;
  const account = data?.account;
  return (
    <>
      <PageHead
        trail={
          <AppLink to={paths.accounts} className="hover:text-accent hover:underline">
            Accounts
          </AppLink>
        }
        title={
          account ? (
            <>
              {account.name} <StatusBadge status={account.status} />
            </>
          ) : (
            <Skeleton className="h-6 w-48" />
          )
        }
        note={
          account ? (
            <>
              On <AppLink to={paths.tier(account.tier.id)}>{account.tier.name}</AppLink> · since{" "}
              {moment(Date.parse(account.createdAt)).slice(0, 10)}
            </>
          ) : (
            <Skeleton className="mt-1 h-4 w-40" />
          )
        }
        actions={account && <AccountActions account={account} tiers={data.tiers} />}
      />
      <StaleNotice error={error} retry={reload} />
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <AccountChart id={id} limits={account?.tier.limits ?? []} />
        <Panel
          title="Limits"
          note="Used of burst"
          actions={
            account && (
              <AppLink
                to={paths.tier(account.tier.id)}
                className="text-muted hover:text-accent hover:underline"
              >
                Edit on {account.tier.name}
              </AppLink>
            )
          }
        >
          {loading && (
            <Loading what="the limits">
              <Skeleton className="mx-4 my-3 h-10" />
              <Skeleton className="mx-4 my-3 h-10" />
            </Loading>
          )}
          {account?.levels.length === 0 && (
            <EmptyState title="No limits">
              This tier lets everything through. Add a limit on the tier’s page.
            </EmptyState>
          )}
          <ul className="divide-y divide-line">
            {account?.levels.map(({ limit, used, remaining, observedAt }) => (
              <li key={limit.id} className="flex flex-col gap-1 px-4 py-2.5">
                <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
                  <span className="font-medium">{limit.name}</span>
                  <Meter used={used} limit={limit.burst} label={`Limit ${limit.name}`} />
                </div>
                <div
                  className="flex flex-wrap justify-between gap-x-3 text-small text-faint"
                  title={
                    observedAt ? `Last reported ${moment(Date.parse(observedAt))}` : "Not used yet"
                  }
                >
                  <span>
                    {limitRate(limit.amount, limit.period)}
                    {limit.endpoint
                      ? ` on ${limit.endpoint.method} ${limit.endpoint.template}`
                      : " for all requests"}
                  </span>
                  <span>{remaining.toLocaleString("en-US")} remaining</span>
                </div>
              </li>
            ))}
          </ul>
        </Panel>
      </div>
      <AccountKeys accountId={id} accountName={account?.name ?? ""} keys={account?.keys} />
      <p className="flex items-center gap-2 text-small text-faint">
        Account id <Copyable text={id} label="Copy account id" />
      </p>
    </>
  );
}

type RateLimit = {
  name: string;
  scope: "ACCOUNT" | "ENDPOINT";
  amount: number;
  period: "SECOND" | "MINUTE" | "HOUR" | "DAY";
};

function AccountChart({ id, limits }: { id: string; limits: RateLimit[] }) {
  const { from, to, window } = useRange();
  const granularity = readableGranularity(window.toMS - window.fromMS);
  const everyMS = useFreshness();
  const usage = usePolled({
    query: AccountUsage,
    variables: { ids: [id], from, to, granularity },
    everyMS,
  });
  return (
    <UsagePanel
      title="Usage"
      file={`weir-account-${id}`}
      usage={usage}
      granularity={granularity}
      limits={limits}
      actions={
        <AppLink
          to={paths.usage}
          own={{ account: id }}
          className="px-1 text-muted hover:text-accent hover:underline"
        >
          Explore
        </AppLink>
      }
    />
  );
}
