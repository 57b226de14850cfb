import { graphql } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { AppLink, useNow } from "~/app/location";
import { paths } from "~/app/paths";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState } from "~/ui/states";
import { Table } from "~/ui/Table";
import { When } from "~/ui/When";
import { summary } from "./audit-rows";
import { actionWords } from "./audit-words";
import { ScheduledTable } from "./scheduled-rows";

const HistoryQuery = graphql(`
  query AccountHistory($id: ID!) {
    auditLog(first: 8, filter: { accountId: $id }) {
      nodes {
        seq
        at
        actor {
          kind
          name
        }
        action
        object {
          name
        }
        changes {
          path
          before
          after
        }
      }
    }
  }
`);

/** What was changed of an account, and what is going to be; for those who may see it. */
export function AccountChanges({ id }: { id: string }) {
  const { viewer, may } = useViewer();
  const bound = Boolean(viewer?.account);
  return (
    <>
      {may("POLICY_READ") && !bound && viewer && <ScheduledOfAccount id={id} />}
      {may("AUDIT_READ") && !bound && viewer && <History id={id} />}
    </>
  );
}

function ScheduledOfAccount({ id }: { id: string }) {
  return (
    <Panel
      title="Scheduled changes"
      note="Made at their time, as whoever scheduled them"
      actions={
        <AppLink to={paths.scheduled} className="text-muted hover:text-accent hover:underline">
          All scheduled changes
        </AppLink>
      }
    >
      <ScheduledTable accountId={id} />
    </Panel>
  );
}

function History({ id }: { id: string }) {
  const nowMS = useNow(10_000);
  const { data, error, reload } = usePolled({
    query: HistoryQuery,
    variables: { id },
    everyMS: null,
  });
  return (
    <Panel
      title="History"
      note="The latest changes of it, its keys and overrides"
      actions={
        <AppLink
          to={paths.audit}
          own={{ account: id }}
          className="text-muted hover:text-accent hover:underline"
        >
          All changes
        </AppLink>
      }
    >
      {error && !data ? (
        <ErrorState what="its history" error={error} retry={reload} />
      ) : data?.auditLog.nodes.length === 0 ? (
        <EmptyState title="No changes yet">
          What is changed of this account shows up here.
        </EmptyState>
      ) : (
        <Table
          label="History"
          rows={data?.auditLog.nodes}
          rowKey={(r) => String(r.seq)}
          skeletonRows={3}
          columns={[
            {
              id: "at",
              head: "When",
              cell: (r) => (
                <When at={r.at} nowMS={nowMS} className="whitespace-nowrap text-muted" />
              ),
            },
            {
              id: "action",
              head: "What",
              cell: (r) => (
                <AppLink
                  to={paths.audit}
                  own={{ account: id, record: String(r.seq) }}
                  className="font-medium hover:text-accent hover:underline"
                >
                  {actionWords(r.action)}
                  <span className="sr-only">, record {r.seq}</span>
                </AppLink>
              ),
            },
            {
              id: "object",
              head: "Of",
              cell: (r) => (
                <span
                  className="block max-w-96 truncate max-sm:max-w-36"
                  title={r.object.name ?? undefined}
                >
                  {r.object.name}
                </span>
              ),
            },
            {
              id: "actor",
              head: "Who",
              from: "sm",
              stacks: true,
              cell: (r) => (
                <span className="text-muted">
                  {r.actor.kind === "SYSTEM" ? "Weir" : r.actor.name}
                </span>
              ),
            },
            {
              id: "changes",
              head: "Changed",
              from: "md",
              cell: (r) => (
                <code className="block max-w-80 truncate font-mono text-small text-muted">
                  {summary(r.changes)}
                </code>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
