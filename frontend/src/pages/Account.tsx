import { isMissing } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useQueryState, useRange } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { readableGranularity } from "~/app/range";
import { type Limit, LimitFields } from "~/limit/fields";
import { LevelFields, QuotaFields } from "~/limit/standing";
import { StatusBadge } from "~/ui/Badge";
import { Copyable } from "~/ui/Copyable";
import { moment } from "~/ui/format";
import { PageHead } from "~/ui/Panel";
import { ErrorState, Skeleton, StaleNotice } from "~/ui/states";
import { AccountActions } from "./account-actions";
import { AccountChanges } from "./account-changes";
import { AccountIdentities } from "./account-identities";
import { AccountKeys } from "./account-keys";
import { Labels } from "./account-labels";
import { AccountOverrides } from "./account-overrides";
import { AccountStanding } from "./account-standing";
import { ClosedNotice } from "./account-status";
import { OnVersion, PendingMove } from "./account-version";
import { NotFound } from "./NotFound";
import { Corrections } from "./usage-corrections";
import { UsagePanel, usageTotals } from "./usage-panel";

const AccountQuery = graphql(
  `
    query Account($id: ID!, $keysAfter: String, $identitiesAfter: String) {
      account(id: $id) {
        id
        name
        status
        labels {
          key
          value
        }
        trial {
          endsAt
          then
          tier {
            id
            name
          }
        }
        closedAt
        createdAt
        onDefaultTier
        timeZone
        billingDay
        revision
        tier {
          id
          name
          version {
            id
            number
          }
        }
        version {
          id
          number
          current
          limits {
            ...LimitFields
          }
        }
        pendingMove {
          id
          dueAt
          tier {
            id
            name
          }
          version {
            id
            number
          }
        }
        levels {
          ...LevelFields
        }
        quotas {
          ...QuotaFields
        }
        overrides(first: 200) {
          nodes {
            id
            limit {
              ...LimitFields
            }
            amount
            burst
            mode
            until
            note
            createdAt
            ended
            introductory
            inForce
            revision
          }
        }
        keys(first: 20, after: $keysAfter) {
          totalCount
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            id
            name
            prefix
            status
            expiresAt
            createdAt
            revokedAt
            environment
            lastUsedAt
            replaces {
              id
              prefix
            }
            replacedBy {
              id
              prefix
            }
            revision
            scope {
              readsOnly
              endpoints {
                id
                method
                template
              }
              groups {
                id
                name
              }
            }
          }
        }
        identities(first: 20, after: $identitiesAfter) {
          totalCount
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            id
            kind
            value
            issuer
            createdAt
          }
        }
      }
      tiers(first: 1000) {
        nodes {
          id
          name
        }
      }
    }
  `,
  [LimitFields, LevelFields, QuotaFields],
);

export type AccountDetails = NonNullable<ResultOf<typeof AccountQuery>["account"]>;

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
  const [turned] = useQueryState();
  const { data, error, loading, reload } = usePolled({
    query: AccountQuery,
    variables: {
      id,
      keysAfter: turned.get("keys"),
      identitiesAfter: turned.get("identities"),
    },
    everyMS,
  });
  if (error && !data && isMissing(error)) return <NotFound what="account" />;
  if (error && !data)
    return <ErrorState page="Account" what="the account" error={error} retry={reload} />;
  if (data && !data.account) return <NotFound what="account" />;
  const account = data?.account ?? undefined;
  const closed = account?.status === "CLOSED";
  return (
    <>
      <PageHead
        name={account?.name}
        within={["Accounts"]}
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
        note={account ? <AboutAccount account={account} /> : <Skeleton className="mt-1 h-4 w-40" />}
        actions={
          account && (
            <Permitted needs="ACCOUNTS_WRITE">
              <AccountActions account={account} tiers={data?.tiers.nodes ?? []} reload={reload} />
            </Permitted>
          )
        }
      />
      <StaleNotice error={error} retry={reload} />
      {closed && <ClosedNotice />}
      {account && <PendingMove account={account} />}
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_27rem] xl:items-start">
        <div className="flex min-w-0 flex-col gap-4">
          <AccountChart id={id} limits={account?.version.limits ?? []} />
          <AccountOverrides account={account} />
        </div>
        <AccountStanding id={id} account={account} loading={loading} />
      </div>
      <AccountKeys
        accountId={id}
        accountName={account?.name ?? ""}
        keys={account?.keys}
        closed={closed}
        reload={reload}
      />
      <AccountIdentities accountId={id} identities={account?.identities} closed={closed} />
      <AccountChanges id={id} />
      <Corrections accountId={id} />
      <p className="flex items-center gap-2 text-small text-faint">
        Account id <Copyable text={id} label="Copy account id" />
      </p>
    </>
  );
}

function AboutAccount({ account }: { account: AccountDetails }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <OnVersion account={account} />
      <span>
        <Dot />
        since {moment(Date.parse(account.createdAt)).slice(0, 10)} · periods in {account.timeZone},
        billed from day {account.billingDay} ·{" "}
        <AppLink to={paths.denials} own={{ account: account.id }}>
          Denials
        </AppLink>
      </span>
      {account.trial && <TrialNote trial={account.trial} />}
      {account.closedAt && (
        <span>
          <Dot />
          closed {moment(Date.parse(account.closedAt))}
        </span>
      )}
      <Labels labels={account.labels} />
    </span>
  );
}

/** Between parts that stand side by side; on a phone each has a line of its own. */
const Dot = () => <span className="max-sm:hidden">· </span>;

function TrialNote({ trial }: { trial: NonNullable<AccountDetails["trial"]> }) {
  const onto = trial.tier ? ` on ${trial.tier.name}` : "";
  return (
    <span>
      <Dot />
      trial until {moment(Date.parse(trial.endsAt))}, then{" "}
      {trial.then === "SUSPEND" ? "suspended" : `active${onto}`}
    </span>
  );
}

function AccountChart({ id, limits }: { id: string; limits: Limit[] }) {
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
