import { useState } from "react";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useSubscribed } from "~/api/subscribed";
import { AppLink, useNow } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import type { Limit } from "~/limit/fields";
import { ModeBadge } from "~/limit/ModeBadge";
import { LevelFields, QuotaFields } from "~/limit/standing";
import { brief, figure, scopeWords, sentence, subjectWords } from "~/limit/words";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { clock, moment, momentIn } from "~/ui/format";
import { Meter } from "~/ui/Meter";
import { Panel } from "~/ui/Panel";
import { EmptyState, Loading, Skeleton } from "~/ui/states";
import { When } from "~/ui/When";
import type { AccountDetails } from "./Account";
import { OverrideDialog } from "./account-override-dialog";

const RemainingNow = graphql(
  `
  subscription RemainingNow($id: ID!) {
    remaining(accountId: $id, everyMs: 1000) {
      at
      levels {
        ...LevelFields
      }
      quotas {
        ...QuotaFields
      }
    }
  }
`,
  [LevelFields, QuotaFields],
);

type Override = AccountDetails["overrides"]["nodes"][number];

/** A limit as it holds for the account: with its override put in place. */
export function inForce(limit: Limit, overrides: Override[]): Limit & { overridden: boolean } {
  const override = overrides.find((o) => o.inForce && o.limit.id === limit.id);
  if (!override) return { ...limit, overridden: false };
  return {
    ...limit,
    amount: override.amount,
    burst: limit.kind === "RATE" ? (override.burst ?? limit.burst) : null,
    mode: override.mode ?? limit.mode,
    overridden: true,
  };
}

/** Where the account stands with each of its limits, as Envoys report it. */
export function AccountStanding({
  id,
  account: read,
  loading,
}: {
  id: string;
  account: AccountDetails | undefined;
  loading: boolean;
}) {
  const [overriding, setOverriding] = useState<Limit | null>(null);
  const now = useSubscribed(RemainingNow, { id });
  const remaining = now.on ? now.data?.remaining : undefined;
  const account = read && remaining ? { ...read, ...remaining } : read;
  return (
    <Panel
      title="Limits"
      note={
        now.stale ? (
          <span role="status" className="font-medium text-error">
            Reconnecting{remaining && `; as of ${clock(Date.parse(remaining.at))}`}
          </span>
        ) : now.error ? (
          <span role="status" className="text-error">
            Not live: {explain(now.error)}
          </span>
        ) : (
          `Used of what fits${remaining ? ", live" : ""}`
        )
      }
      actions={
        account && (
          <Permitted needs="POLICY_WRITE">
            <AppLink
              to={paths.tier(account.tier.id)}
              className="text-muted hover:text-accent hover:underline"
            >
              Edit on {account.tier.name}
            </AppLink>
          </Permitted>
        )
      }
    >
      {loading && (
        <Loading what="the limits">
          <Skeleton className="mx-4 my-3 h-14" />
          <Skeleton className="mx-4 my-3 h-14" />
        </Loading>
      )}
      {account?.version.limits.length === 0 && (
        <EmptyState title="No limits">
          This tier lets everything through.
          <Permitted needs="POLICY_WRITE"> Add a limit on the tier’s page.</Permitted>
        </EmptyState>
      )}
      <ul className="divide-y divide-line">
        {account?.version.limits.map((limit) => (
          <Standing
            key={limit.id}
            limit={limit}
            account={account}
            onOverride={() => setOverriding(limit)}
          />
        ))}
        {account?.quotas
          .filter((quota) => quota.tier.id !== account.tier.id)
          .map((quota) => (
            <ClaimedQuota
              key={`${quota.limit.id} ${whose(quota)}`}
              quota={quota}
              timeZone={account.timeZone}
            />
          ))}
      </ul>
      {account && overriding && (
        <OverrideDialog
          accountId={account.id}
          accountName={account.name}
          limits={account.version.limits}
          limit={overriding}
          savedOf={(limit) =>
            account.overrides.nodes.find((o) => o.inForce && o.limit.id === limit.id) ?? null
          }
          revisionOf={(limit) =>
            account.overrides.nodes.find((o) => o.limit.id === limit.id)?.revision ?? 0
          }
          onClose={() => setOverriding(null)}
        />
      )}
    </Panel>
  );
}

const mostKeys = 5;

function Standing({
  limit,
  account,
  onOverride,
}: {
  limit: Limit;
  account: AccountDetails;
  onOverride: () => void;
}) {
  const holds = inForce(limit, account.overrides.nodes);
  const levels = account.levels.filter((l) => l.limit.id === limit.id);
  const quotas = account.quotas.filter((q) => q.limit.id === limit.id);
  const more = levels.length + quotas.length - mostKeys;
  return (
    <li className="flex flex-col gap-1.5 px-4 py-2.5">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <AppLink to={paths.limit(limit.id)}>{limit.name}</AppLink>
        {holds.mode !== "ENFORCE" && <ModeBadge mode={holds.mode} />}
        {holds.overridden && <Badge kind="good">Override</Badge>}
        {account.status !== "CLOSED" && (
          <Permitted needs="ACCOUNTS_WRITE">
            <Button
              kind="quiet"
              className="ml-auto h-6! px-2!"
              aria-label={`${holds.overridden ? "Change" : "Override"} ${limit.name}`}
              onClick={onOverride}
            >
              {holds.overridden ? "Change" : "Override"}
            </Button>
          </Permitted>
        )}
      </div>
      <p className="text-small text-faint" title={sentence(holds)}>
        {brief(holds)}, {scopeWords(holds)}
        {limit.subject !== "ACCOUNT" && `, ${subjectWords[limit.subject].toLowerCase()}`}
      </p>
      {levels.slice(0, mostKeys).map((level) => (
        <LevelLine key={whose(level)} level={level} limit={limit} />
      ))}
      {quotas.slice(0, mostKeys).map((quota) => (
        <QuotaLine key={whose(quota)} quota={quota} limit={limit} timeZone={account.timeZone} />
      ))}
      {levels.length + quotas.length === 0 && (
        <p className="text-small text-faint">Not used yet.</p>
      )}
      {more > 0 && <p className="text-small text-faint">and {more} more keys</p>}
    </li>
  );
}

/** A quota of a tier that tokens of the account claim. */
function ClaimedQuota({
  quota,
  timeZone,
}: {
  quota: AccountDetails["quotas"][number];
  timeZone: string;
}) {
  const { limit, tier } = quota;
  return (
    <li className="flex flex-col gap-1.5 px-4 py-2.5">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <AppLink to={paths.limit(limit.id)}>{limit.name}</AppLink>
        {limit.mode !== "ENFORCE" && <ModeBadge mode={limit.mode} />}
        <Badge>{tier.name}, by a token’s claim</Badge>
      </div>
      <p className="text-small text-faint" title={sentence(limit)}>
        {brief(limit)}, {scopeWords(limit)}
      </p>
      <QuotaLine quota={quota} limit={limit} timeZone={timeZone} />
    </li>
  );
}

type Owned = {
  key: { name: string } | null;
  identity: { value: string } | null;
};

const whose = (owned: Owned) => owned.key?.name ?? owned.identity?.value ?? "";
const meterLabel = (owned: Owned, limit: Limit) =>
  `Limit ${limit.name}${whose(owned) && `, ${whose(owned)}`}`;

function LevelLine({ level, limit }: { level: AccountDetails["levels"][number]; limit: Limit }) {
  const { observedAt } = level;
  return (
    <div
      className="flex flex-wrap items-center justify-between gap-x-3 gap-y-0.5"
      title={observedAt ? `Last reported ${moment(Date.parse(observedAt))}` : "Not used yet"}
    >
      {whose(level) && <span className="min-w-0 truncate text-muted">{whose(level)}</span>}
      <Meter
        used={level.used}
        limit={level.capacity}
        measure={limit.measure}
        label={meterLabel(level, limit)}
      />
      <span className="text-small text-faint">
        {figure(level.remaining, limit.measure)} remaining
      </span>
    </div>
  );
}

function QuotaLine({
  quota,
  limit,
  timeZone,
}: {
  quota: AccountDetails["quotas"][number];
  limit: Limit;
  timeZone: string;
}) {
  const nowMS = useNow(30_000);
  const say = (n: number) => figure(n, limit.measure);
  const ends = Date.parse(quota.periodEnd);
  return (
    <div className="flex flex-col gap-0.5">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-0.5">
        {whose(quota) && <span className="min-w-0 truncate text-muted">{whose(quota)}</span>}
        <Meter
          used={quota.consumed + quota.overspent}
          held={quota.outstanding}
          limit={quota.amount}
          measure={limit.measure}
          label={meterLabel(quota, limit)}
        />
        <span className="text-small text-faint">{say(quota.remaining)} remaining</span>
      </div>
      <p className="text-small text-faint">
        {say(quota.consumed)} consumed
        {quota.writtenOff > 0 && ` (${say(quota.writtenOff)} of it written off)`},{" "}
        {say(quota.outstanding)} leased to Envoys
        {quota.overage > 0 && `, ${say(quota.overage)} over`}
      </p>
      <p className="text-small text-faint">
        {momentIn(Date.parse(quota.periodStart), timeZone)} to {momentIn(ends, timeZone)} (
        {timeZone}); begins anew <When at={quota.periodEnd} nowMS={nowMS} coming />
      </p>
    </div>
  );
}
