import { Check, TriangleAlert } from "lucide-react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useFreshness, useNow, useQueryState } from "~/app/location";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { exact, moment } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";

const UnaccountedQuery = graphql(`
  query UnaccountedUsage($after: String, $open: Boolean) {
    unaccountedUsage(first: 50, after: $after, open: $open) {
      nodes {
        id
        kind
        source
        node
        from
        until
        atLeast
        atMost
        batches
        foundAt
        resolvedAt
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

type Lost = ResultOf<typeof UnaccountedQuery>["unaccountedUsage"]["nodes"][number];
const slowEveryMS = 30_000;

/** Usage that was counted and is in no rollup, as far as anybody knows. */
export function UnaccountedUsage() {
  const [query, change] = useQueryState();
  const after = query.get("lost");
  const onlyOpen = query.get("open") === "yes";
  const { data, error, reload } = usePolled({
    query: UnaccountedQuery,
    variables: { after, open: onlyOpen || null },
    everyMS: useFreshness() === null ? null : slowEveryMS,
    key: `${after} ${onlyOpen}`,
  });
  const nowMS = useNow(10_000);
  const page = data?.unaccountedUsage;
  return (
    <Panel
      title="Unaccounted usage"
      note="counted by an Envoy, and not in the rollups"
      actions={
        <Button
          aria-pressed={onlyOpen}
          kind={onlyOpen ? "primary" : "plain"}
          onClick={() => change({ open: onlyOpen ? null : "yes", lost: null })}
        >
          Only what is missing
        </Button>
      }
    >
      {error && !data ? (
        <ErrorState what="the unaccounted usage" error={error} retry={reload} />
      ) : page?.nodes.length === 0 ? (
        <EmptyState title="Nothing is unaccounted for">
          When batches go missing, or a worker of an Envoy has been silent for five minutes, what it
          had counted is listed here.
        </EmptyState>
      ) : (
        <>
          {data && error && (
            <div className="px-4 pb-3">
              <StaleNotice error={error} retry={reload} />
            </div>
          )}
          <Table
            label="Unaccounted usage"
            columns={columns(nowMS)}
            rows={page?.nodes}
            rowKey={(u) => u.id}
            skeletonRows={2}
          />
        </>
      )}
      <Pager page={page?.pageInfo} after={after} onTurn={(lost) => change({ lost })} />
    </Panel>
  );
}

const columns = (nowMS: number): Column<Lost>[] => [
  {
    id: "node",
    head: "Envoy",
    cell: (u) => (
      <span className="flex flex-wrap items-center gap-x-2">
        <span className="font-medium">{u.node}</span>
        <code className="font-mono text-small text-muted" title={u.source}>
          {u.source.slice(0, 8)}
        </code>
      </span>
    ),
  },
  {
    id: "kind",
    head: "How",
    from: "sm",
    cell: (u) =>
      u.kind === "GAP"
        ? `${exact.format(u.batches)} missing ${u.batches === 1 ? "batch" : "batches"}`
        : "fell silent",
  },
  {
    id: "between",
    head: "Counted between",
    from: "md",
    cell: (u) => (
      <span className="text-muted">
        {moment(Date.parse(u.from))} and{" "}
        {u.until ? moment(Date.parse(u.until)) : "nobody knows when"}
      </span>
    ),
  },
  {
    id: "requests",
    head: "Requests",
    numeric: true,
    cell: (u) =>
      u.atMost === null
        ? u.atLeast === 0
          ? "none known"
          : `at least ${exact.format(u.atLeast)}`
        : exact.format(u.atMost),
  },
  {
    id: "state",
    head: "State",
    cell: (u) =>
      u.resolvedAt ? (
        <Badge kind="good" icon={<Check aria-hidden className="size-3" />}>
          Found after all
        </Badge>
      ) : u.atLeast === 0 ? (
        <Badge>Ended without a word</Badge>
      ) : (
        <Badge kind="bad" icon={<TriangleAlert aria-hidden className="size-3" />}>
          Missing
        </Badge>
      ),
  },
  {
    id: "found",
    head: "Noticed",
    numeric: true,
    from: "lg",
    cell: (u) => <When at={u.foundAt} nowMS={nowMS} className="text-muted" />,
  },
];
