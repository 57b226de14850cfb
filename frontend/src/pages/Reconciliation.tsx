import { CircleCheck, TriangleAlert } from "lucide-react";
import { isForbidden } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useNow, useQueryState } from "~/app/location";
import { NoRequests } from "~/app/NoRequests";
import { paths } from "~/app/paths";
import { lastDays, signed, verdict } from "~/explore/reconcile";
import { Button } from "~/ui/Button";
import { exact } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { ErrorState, Skeleton, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { LevelsAndSources } from "./reconciliation-parts";
import { UnaccountedUsage } from "./reconciliation-unaccounted";
import { Corrections } from "./usage-corrections";

const ReconciliationQuery = graphql(`
  query Reconciliation($from: Date!, $to: Date!, $accountId: ID, $after: String) {
    reconciliation(from: $from, to: $to, accountId: $accountId, after: $after) {
      matches
      differing
      rowCount
      totals {
        sent
        rolledUp
        difference
        corrected
        imported
      }
      rows {
        date
        account {
          id
          name
        }
        figures {
          sent
          rolledUp
          difference
          corrected
          imported
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

type Reconciled = ResultOf<typeof ReconciliationQuery>["reconciliation"];
type Row = Reconciled["rows"][number];

const spans = [7, 31, 92, 366];
const defaultDays = 31;
const slowEveryMS = 60_000;

/** Whether all that Envoys sent is in the rollups: the verdict, and what it rests on. */
export default function Reconciliation() {
  const [query, change] = useQueryState();
  const asked = Number(query.get("days"));
  const days = spans.includes(asked) ? asked : defaultDays;
  const account = query.get("account");
  const after = query.get("after");
  const { from, to } = lastDays(days, useNow(slowEveryMS));
  const everyMS = useFreshness() === null ? null : slowEveryMS;
  const { data, error, loading, reload } = usePolled({
    query: ReconciliationQuery,
    variables: { from, to, accountId: account, after },
    everyMS,
    key: `${days} ${account} ${after}`,
  });
  const r = data?.reconciliation;
  if (error && isForbidden(error))
    return (
      <ErrorState page="Reconciliation" what="the reconciliation" error={error} retry={reload} />
    );
  return (
    <>
      <PageHead
        trail={
          <AppLink to={paths.usage} className="hover:text-accent hover:underline">
            Usage
          </AppLink>
        }
        title="Reconciliation"
        within={["Usage"]}
        note={`What Envoys sent against what is in the rollups, ${from} to ${to} in UTC.`}
        actions={
          <select
            aria-label="Days"
            className="control"
            value={days}
            onChange={(e) => change({ days: e.target.value, after: null })}
          >
            {spans.map((count) => (
              <option key={count} value={count}>
                Last {count} days
              </option>
            ))}
          </select>
        }
      />
      {data && <StaleNotice error={error} retry={reload} />}
      {error && !data ? (
        <div className="panel">
          <ErrorState what="the reconciliation" error={error} retry={reload} />
        </div>
      ) : (
        <>
          <Verdict r={r} days={days} />
          <Rows r={r} loading={loading} account={account} after={after} change={change} />
        </>
      )}
      <LevelsAndSources from={from} to={to} accountId={account} everyMS={everyMS} />
      <UnaccountedUsage />
      <Corrections accountId={account} />
    </>
  );
}

function Verdict({ r, days }: { r: Reconciled | undefined; days: number }) {
  const said = r && verdict(r, days);
  const figures: Array<[string, string | undefined]> = [
    ["Sent by Envoys", r && exact.format(r.totals.sent)],
    ["In the rollups", r && exact.format(r.totals.rolledUp)],
    ["Difference", r && signed(r.totals.difference)],
    ["Corrections beside them", r && signed(r.totals.corrected)],
    ["Imports beside them", r && signed(r.totals.imported)],
  ];
  return (
    <Panel title="Verdict">
      <div role="status" className="flex items-start gap-3 px-4 pb-3">
        {said ? (
          said.agrees ? (
            <CircleCheck aria-hidden className="mt-0.5 size-6 shrink-0 text-allowed" />
          ) : (
            <TriangleAlert aria-hidden className="mt-0.5 size-6 shrink-0 text-error" />
          )
        ) : (
          <Skeleton className="size-6 shrink-0" />
        )}
        <div className="min-w-0">
          <p className="text-title font-semibold">
            {said?.title ?? <Skeleton className="h-6 w-56" />}
          </p>
          <p className="text-muted">{said?.detail ?? <Skeleton className="mt-1 h-4 w-80" />}</p>
        </div>
      </div>
      <dl className="flex flex-wrap gap-x-8 gap-y-3 border-t border-line px-4 py-3">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt className="text-small text-faint">{name}</dt>
            <dd className="font-medium">{value ?? <Skeleton className="my-0.5 h-4 w-16" />}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Rows({
  r,
  loading,
  account,
  after,
  change,
}: {
  r: Reconciled | undefined;
  loading: boolean;
  account: string | null;
  after: string | null;
  change: (changes: Record<string, string | null>) => void;
}) {
  return (
    <Panel
      title="Days and accounts"
      note={r && `${exact.format(r.rowCount)} in all, those that differ first`}
      actions={
        account && (
          <Button onClick={() => change({ account: null, after: null })}>Show all accounts</Button>
        )
      }
    >
      {r?.rows.length === 0 ? (
        <NoRequests title="No usage in these days">
          Each account’s requests of each day are compared here.
        </NoRequests>
      ) : (
        <Table
          label="Sent and rolled up by day and account"
          columns={rowColumns}
          rows={loading ? undefined : r?.rows}
          rowKey={(row) => `${row.date} ${row.account?.id}`}
          skeletonRows={6}
          maxHeight="max-h-[32rem]"
        />
      )}
      <Pager
        page={r?.pageInfo}
        after={after}
        onTurn={(after) => change({ after })}
        first="First"
        next="Next"
      />
    </Panel>
  );
}

const count = (n: number) => (n === 0 ? <span className="text-faint">0</span> : signed(n));

/** A difference stands out by its sign and weight, not by colour alone. */
export function Difference({ of }: { of: number }) {
  return of === 0 ? (
    <span className="text-muted">0</span>
  ) : (
    <strong className="font-semibold text-error">{signed(of)}</strong>
  );
}

const rowColumns: Column<Row>[] = [
  { id: "date", head: "Day", sort: (r) => r.date, cell: (r) => r.date },
  {
    id: "account",
    head: "Account",
    sort: (r) => r.account?.name ?? null,
    cell: (r) =>
      r.account ? (
        <AppLink to={paths.account(r.account.id)}>{r.account.name}</AppLink>
      ) : (
        <span className="text-muted">Nobody</span>
      ),
  },
  {
    id: "sent",
    head: "Sent",
    numeric: true,
    from: "sm",
    sort: (r) => r.figures.sent,
    cell: (r) => exact.format(r.figures.sent),
  },
  {
    id: "rolledUp",
    head: "Rolled up",
    numeric: true,
    from: "sm",
    sort: (r) => r.figures.rolledUp,
    cell: (r) => exact.format(r.figures.rolledUp),
  },
  {
    id: "difference",
    head: "Difference",
    numeric: true,
    sort: (r) => Math.abs(r.figures.difference),
    cell: (r) => <Difference of={r.figures.difference} />,
  },
  {
    id: "corrected",
    head: "Corrected",
    numeric: true,
    from: "md",
    sort: (r) => r.figures.corrected,
    cell: (r) => count(r.figures.corrected),
  },
  {
    id: "imported",
    head: "Imported",
    numeric: true,
    from: "md",
    sort: (r) => r.figures.imported,
    cell: (r) => count(r.figures.imported),
  },
];
