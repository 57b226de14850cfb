import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useRange } from "~/app/location";
import { paths } from "~/app/paths";
import { LimitFields } from "~/limit/fields";
import { ModeBadge } from "~/limit/ModeBadge";
import { Verdicts, type VerdictTotals } from "~/limit/verdicts";
import { sentence } from "~/limit/words";
import { exact, plural, short } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";

const LimitsAtWork = graphql(
  `
    query LimitsAtWork($from: Time!, $to: Time) {
      limitActivity(from: $from, to: $to) {
        limit {
          ...LimitFields
        }
        totals {
          ...Verdicts
        }
        accounts
      }
      tiers(first: 1000) {
        nodes {
          id
          name
          limits {
            id
          }
        }
      }
    }
  `,
  [LimitFields, Verdicts],
);

type Answer = ResultOf<typeof LimitsAtWork>;
type Activity = Answer["limitActivity"][number];

/** Which limits did something, and to how many. */
export function LimitsAtWorkPanel({ span }: { span: string }) {
  const { from, to } = useRange();
  const { data, error, reload } = usePolled({
    query: LimitsAtWork,
    variables: { from, to },
    everyMS: useFreshness(),
  });
  const rows = data?.limitActivity;
  return (
    <Panel
      title="Limits at work"
      note={span}
      actions={
        <AppLink to={paths.denials} className="text-muted hover:text-accent hover:underline">
          Why was it limited?
        </AppLink>
      }
    >
      {error && !data ? (
        <ErrorState what="the limits" error={error} retry={reload} />
      ) : rows?.length === 0 ? (
        <EmptyState title="No limit had to do anything">
          Limits that refused something, let something through over them, or would have refused it
          as a shadow, show up here.
        </EmptyState>
      ) : (
        <Table
          label="Limits at work"
          columns={columns(data?.tiers.nodes ?? [])}
          rows={rows}
          rowKey={(a) => a.limit.id}
          skeletonRows={2}
          initialSort={{ column: "denied", descending: true }}
          maxHeight="max-h-80"
        />
      )}
    </Panel>
  );
}

const count = (
  id: string,
  head: string,
  of: (totals: VerdictTotals) => number,
): Column<Activity> => ({
  id,
  head,
  numeric: true,
  sort: (a) => of(a.totals),
  cell: (a) =>
    of(a.totals) === 0 ? (
      <span className="text-faint">0</span>
    ) : (
      <span title={exact.format(of(a.totals))}>{short(of(a.totals))}</span>
    ),
});

const tierOf = (tiers: Answer["tiers"]["nodes"], limit: { id: string }) =>
  tiers.find((t) => t.limits.some((l) => l.id === limit.id));

const columns = (tiers: Answer["tiers"]["nodes"]): Column<Activity>[] => [
  {
    id: "limit",
    head: "Limit",
    sort: (a) => a.limit.name,
    cell: (a) => (
      <span
        className="flex flex-wrap items-center gap-x-2 sm:flex-nowrap sm:whitespace-nowrap"
        title={sentence(a.limit)}
      >
        <AppLink to={paths.limit(a.limit.id)}>{a.limit.name}</AppLink>
        {a.limit.mode !== "ENFORCE" && <ModeBadge mode={a.limit.mode} />}
      </span>
    ),
  },
  {
    id: "tier",
    head: "Tier",
    from: "sm",
    sort: (a) => tierOf(tiers, a.limit)?.name ?? null,
    cell: (a) => <TierLink tier={tierOf(tiers, a.limit)} />,
  },
  {
    id: "does",
    head: "What it does",
    from: "xl",
    cell: (a) => <span className="block max-w-80 truncate text-muted">{sentence(a.limit)}</span>,
  },
  count("denied", "Denied", (t) => t.denied),
  count("shadowed", "Would be denied", (t) => t.shadowed),
  { ...count("over", "Over", (t) => t.over), from: "sm" },
  { ...count("open", "Unchecked", (t) => t.failedOpen), from: "md" },
  {
    id: "accounts",
    head: "Accounts",
    numeric: true,
    from: "sm",
    sort: (a) => a.accounts,
    cell: (a) => <span title={plural(a.accounts, "account")}>{short(a.accounts)}</span>,
  },
];

function TierLink({ tier }: { tier: { id: string; name: string } | undefined }) {
  if (!tier) return null;
  return (
    <AppLink to={paths.tier(tier.id)} className="text-muted hover:text-accent hover:underline">
      {tier.name}
    </AppLink>
  );
}
