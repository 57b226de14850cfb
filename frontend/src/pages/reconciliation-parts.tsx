import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useNow } from "~/app/location";
import { granularities } from "~/explore/question";
import { Badge } from "~/ui/Badge";
import { exact } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import { Difference } from "./Reconciliation";

const PartsQuery = graphql(`
  query ReconciliationParts($from: Date!, $to: Date!, $accountId: ID) {
    reconciliation(from: $from, to: $to, accountId: $accountId, first: 1) {
      levels {
        granularity
        from
        to
        sent
        rolledUp
        difference
      }
      sources {
        source
        node
        sent
        counted
        committed
        difference
        lastSeenAt
        ended
      }
    }
  }
`);

type Reconciled = ResultOf<typeof PartsQuery>["reconciliation"];
type Level = Reconciled["levels"][number];
type Source = Reconciled["sources"][number];

/** The finer rollups have many rows, so a longer time is only compared by the day. */
const mostLevelDays = 31;

/** Each rollup, and each worker that sent anything. */
export function LevelsAndSources({
  from,
  to,
  accountId,
  everyMS,
}: {
  from: string;
  to: string;
  accountId: string | null;
  everyMS: number | null;
}) {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  const { data, error, reload } = usePolled({
    query: PartsQuery,
    variables: { from, to, accountId },
    everyMS,
    key: `${from} ${accountId}`,
    pause: days > mostLevelDays,
  });
  const nowMS = useNow(10_000);
  if (days > mostLevelDays) {
    return (
      <Panel title="Rollups and workers">
        <p className="px-4 pb-4 text-muted">
          Choose {mostLevelDays} days or fewer to compare every rollup and every worker.
        </p>
      </Panel>
    );
  }
  if (error && !data) {
    return (
      <Panel title="Rollups and workers">
        <ErrorState what="the rollups and workers" error={error} retry={reload} />
      </Panel>
    );
  }
  const r = data?.reconciliation;
  return (
    <div className="grid gap-4 xl:grid-cols-2 xl:items-start">
      <Panel title="Rollups" note="each against what was sent">
        <Table
          label="Rollups"
          columns={levelColumns}
          rows={r?.levels}
          rowKey={(l) => l.granularity}
          skeletonRows={4}
        />
      </Panel>
      <Panel title="Workers" note="since each began, of all accounts">
        {r?.sources.length === 0 ? (
          <EmptyState title="No worker sent anything">
            Each worker thread of an Envoy that sent usage in these days is listed here.
          </EmptyState>
        ) : (
          <Table
            label="Workers"
            columns={sourceColumns(nowMS)}
            rows={r?.sources}
            rowKey={(s) => s.source}
            skeletonRows={4}
            maxHeight="max-h-[22rem]"
          />
        )}
      </Panel>
    </div>
  );
}

const levelColumns: Column<Level>[] = [
  { id: "level", head: "Rollup", cell: (l) => granularities[l.granularity].label },
  {
    id: "from",
    head: "Has",
    from: "sm",
    cell: (l) =>
      l.from ? (
        <span className="whitespace-nowrap text-muted">
          {l.from} to {l.to}
        </span>
      ) : (
        <span className="text-faint">nothing of these days</span>
      ),
  },
  { id: "sent", head: "Sent", numeric: true, cell: (l) => exact.format(l.sent) },
  { id: "rolledUp", head: "Rolled up", numeric: true, cell: (l) => exact.format(l.rolledUp) },
  {
    id: "difference",
    head: "Difference",
    numeric: true,
    cell: (l) => <Difference of={l.difference} />,
  },
];

const sourceColumns = (nowMS: number): Column<Source>[] => [
  {
    id: "node",
    head: "Envoy",
    sort: (s) => s.node,
    cell: (s) => (
      <span className="flex flex-wrap items-center gap-x-2">
        <span className="font-medium">{s.node}</span>
        <code className="font-mono text-small text-muted" title={s.source}>
          {s.source.slice(0, 8)}
        </code>
        {s.ended && <Badge>Ended</Badge>}
      </span>
    ),
  },
  {
    id: "counted",
    head: "Counted",
    numeric: true,
    from: "sm",
    sort: (s) => s.counted,
    cell: (s) => exact.format(s.counted),
  },
  {
    id: "committed",
    head: "Committed",
    numeric: true,
    sort: (s) => s.committed,
    cell: (s) => exact.format(s.committed),
  },
  {
    id: "difference",
    head: "Difference",
    numeric: true,
    sort: (s) => Math.abs(s.difference),
    cell: (s) => <Difference of={s.difference} />,
  },
  {
    id: "seen",
    head: "Last heard",
    numeric: true,
    from: "md",
    sort: (s) => s.lastSeenAt,
    cell: (s) => <When at={s.lastSeenAt} nowMS={nowMS} className="text-muted" />,
  },
];
