import { useState } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useNow, useQueryState } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { signed } from "~/explore/reconcile";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { momentInZone } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import { VoidDialog } from "./usage-void";

const CorrectionsQuery = graphql(`
  query Corrections($accountId: ID, $after: String) {
    corrections(accountId: $accountId, after: $after, first: 20) {
      nodes {
        id
        kind
        account {
          id
          name
        }
        endpoint {
          method
          template
        }
        at
        requests
        cost
        amount
        meterId
        reason
        actor
        createdAt
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export type Correction = ResultOf<typeof CorrectionsQuery>["corrections"]["nodes"][number];
const slowEveryMS = 30_000;

/** Changes of past usage, with who made them and why. They are never changed themselves. */
export function Corrections({ accountId }: { accountId: string | null }) {
  const [query, change] = useQueryState();
  const after = query.get("corrections");
  const { data, error, reload } = usePolled({
    query: CorrectionsQuery,
    variables: { accountId, after },
    everyMS: useFreshness() === null ? null : slowEveryMS,
    key: `${accountId} ${after}`,
  });
  const nowMS = useNow(10_000);
  const [voiding, setVoiding] = useState<Correction | null>(null);
  const page = data?.corrections;
  return (
    <Panel title="Corrections" note="what was added to past usage, or taken away">
      {error && !data ? (
        <ErrorState what="the corrections" error={error} retry={reload} />
      ) : page?.nodes.length === 0 ? (
        <EmptyState title="No corrections">
          Past usage stands as it was counted. Whoever changes it shows up here, with the reason.
        </EmptyState>
      ) : (
        <>
          {data && error && (
            <div className="px-4 pb-3">
              <StaleNotice error={error} retry={reload} />
            </div>
          )}
          <Table
            label="Corrections"
            columns={columns(nowMS, accountId === null, setVoiding)}
            rows={page?.nodes}
            rowKey={(c) => c.id}
            skeletonRows={2}
          />
        </>
      )}
      <Pager
        page={page?.pageInfo}
        after={after}
        onTurn={(corrections) => change({ corrections })}
      />
      {voiding && (
        <VoidDialog correction={voiding} onVoided={reload} onClose={() => setVoiding(null)} />
      )}
    </Panel>
  );
}

const kinds = {
  VOID: { label: "Void", look: "warning" },
  ADJUSTMENT: { label: "Adjusted", look: "neutral" },
  IMPORT: { label: "Imported", look: "soft" },
} as const;

const columns = (
  nowMS: number,
  withAccount: boolean,
  onVoid: (c: Correction) => void,
): Column<Correction>[] => [
  {
    id: "kind",
    head: "What",
    cell: (c) => <Badge kind={kinds[c.kind].look}>{kinds[c.kind].label}</Badge>,
  },
  ...(withAccount
    ? [
        {
          id: "account",
          head: "Account",
          cell: (c: Correction) =>
            c.account ? (
              <AppLink to={paths.account(c.account.id)}>{c.account.name}</AppLink>
            ) : (
              <span className="text-muted">Nobody</span>
            ),
        },
      ]
    : []),
  {
    id: "at",
    head: "Minute (UTC)",
    from: "md",
    cell: (c) => <span className="whitespace-nowrap">{momentInZone(Date.parse(c.at), "UTC")}</span>,
  },
  {
    id: "endpoint",
    head: "Endpoint",
    from: "lg",
    cell: (c) =>
      c.endpoint ? (
        `${c.endpoint.method} ${c.endpoint.template}`
      ) : (
        <span className="text-faint">none</span>
      ),
  },
  { id: "requests", head: "Requests", numeric: true, cell: (c) => signed(c.requests) },
  { id: "cost", head: "Cost", numeric: true, from: "lg", cell: (c) => signed(c.cost) },
  {
    id: "reason",
    head: "Why",
    from: "sm",
    stacks: true,
    cell: (c) => <span className="text-muted">{c.reason}</span>,
  },
  { id: "actor", head: "Who", from: "sm", cell: (c) => c.actor },
  {
    id: "when",
    head: "When",
    numeric: true,
    from: "sm",
    cell: (c) => <When at={c.createdAt} nowMS={nowMS} className="text-muted" />,
  },
  {
    id: "actions",
    head: "Actions",
    hideHead: true,
    numeric: true,
    cell: (c) =>
      c.kind !== "VOID" && (
        <Permitted needs="USAGE_CORRECT">
          <Button kind="quiet" aria-label={`Void: ${c.reason}`} onClick={() => onVoid(c)}>
            Void
          </Button>
        </Permitted>
      ),
  },
];
