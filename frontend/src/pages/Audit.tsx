import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { useFreshness, useNow, useQueryState } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { Button, buttonClass } from "~/ui/Button";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { Table } from "~/ui/Table";
import { AuditFilters, exportPath, filterNames, filterOf } from "./audit-filters";
import { AuditRecordDialog } from "./audit-record";
import { auditColumns } from "./audit-rows";
import { VerifyButton } from "./audit-verify";

const AuditQuery = graphql(`
  query AuditLog($after: String, $filter: AuditFilter) {
    auditLog(first: 50, after: $after, filter: $filter) {
      nodes {
        seq
        at
        actor {
          kind
          id
          name
        }
        action
        object {
          kind
          id
          name
        }
        account {
          id
          name
        }
        changes {
          path
          before
          after
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export type AuditRow = ResultOf<typeof AuditQuery>["auditLog"]["nodes"][number];

/** Who changed what, when, and whether that record is whole. */
export default function Audit() {
  const [query, change] = useQueryState();
  const seq = query.get("record");
  const { may } = useViewer();
  const mayRead = may("AUDIT_READ");
  return (
    <>
      <PageHead
        title="Audit"
        note="Every change, recorded in the transaction that made it. Records are never changed."
        actions={
          <Permitted needs="AUDIT_READ">
            <a href={exportPath(query, "csv")} download className={buttonClass("quiet")}>
              Export CSV
            </a>
            <a href={exportPath(query, "ndjson")} download className={buttonClass("quiet")}>
              Export NDJSON
            </a>
            <VerifyButton />
          </Permitted>
        }
      />
      {mayRead && <AuditFilters />}
      <Records onOpen={(row) => change({ record: String(row) })} />
      {seq !== null && (
        <AuditRecordDialog key={seq} seq={seq} onClose={() => change({ record: null })} />
      )}
    </>
  );
}

function Records({ onOpen }: { onOpen: (seq: number) => void }) {
  const [query, change] = useQueryState();
  const after = query.get("after");
  const filter = filterOf(query);
  const { data, error, reload } = usePolled({
    query: AuditQuery,
    variables: { after, filter },
    everyMS: useFreshness(),
    key: JSON.stringify([after, filter]),
  });
  const nowMS = useNow(10_000);
  const page = data?.auditLog;
  const narrowed = Object.keys(filter).length > 0;
  const all = Object.fromEntries([...filterNames, "after"].map((name) => [name, null]));
  return (
    <Panel title="Changes" note="newest first">
      {error && !data ? (
        <ErrorState what="the audit log" error={error} retry={reload} />
      ) : page?.nodes.length === 0 ? (
        <EmptyState
          title={narrowed ? "No such changes" : "No changes yet"}
          action={narrowed && <Button onClick={() => change(all)}>Show all changes</Button>}
        >
          Whoever changes a tier, an account, a key or a setting shows up here, with what it was
          before and after.
        </EmptyState>
      ) : (
        <>
          {data && error && (
            <div className="px-4 pb-3">
              <StaleNotice error={error} retry={reload} />
            </div>
          )}
          <Table
            label="Changes"
            columns={auditColumns(nowMS, onOpen, (changes) => change({ ...changes, after: null }))}
            rows={page?.nodes}
            rowKey={(r) => String(r.seq)}
            skeletonRows={12}
          />
        </>
      )}
      {page && (after || page.pageInfo.hasNextPage) && (
        <div className="flex items-center justify-end gap-2 border-t border-line px-4 py-2">
          <Button disabled={!after} onClick={() => change({ after: null })}>
            Newest
          </Button>
          <Button
            disabled={!page.pageInfo.hasNextPage}
            onClick={() => change({ after: page.pageInfo.endCursor })}
          >
            Older
          </Button>
        </div>
      )}
    </Panel>
  );
}
