import type { ReactNode } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { Dialog } from "~/ui/Dialog";
import { moment } from "~/ui/format";
import { EmptyState, ErrorState, Loading, Skeleton } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { RevertRecord } from "./audit-revert";
import { actionWords } from "./audit-words";

const RecordQuery = graphql(`
  query AuditRecord($seq: Int64!) {
    auditRecord(seq: $seq) {
        seq
        at
        actor {
          kind
          id
          name
        }
        requestId
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
        before
        after
        changes {
          path
          before
          after
        }
        revertible
        irrevertible
        prevHash
        hash
    }
  }
`);

export type AuditRecord = NonNullable<ResultOf<typeof RecordQuery>["auditRecord"]>;

/** One record: who, what, and the object before and after. */
export function AuditRecordDialog({ seq, onClose }: { seq: string; onClose: () => void }) {
  const { data, error, reload } = usePolled({
    query: RecordQuery,
    variables: { seq: Number(seq) },
    everyMS: null,
  });
  const record = data?.auditRecord;
  return (
    <Dialog title={record ? actionWords(record.action) : `Record ${seq}`} onClose={onClose} wide>
      {error && !data ? (
        <ErrorState what="the record" error={error} retry={reload} />
      ) : !data ? (
        <Loading what="the record">
          <Skeleton className="h-48 w-full" />
        </Loading>
      ) : record ? (
        <Content record={record} />
      ) : (
        <EmptyState title={`There is no record ${seq}`}>
          The audit log has no record of that number yet.
        </EmptyState>
      )}
    </Dialog>
  );
}

function Content({ record }: { record: AuditRecord }) {
  const { actor, object, account } = record;
  return (
    <div className="flex flex-col gap-4">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
        <Fact name="When">{moment(Date.parse(record.at))}</Fact>
        <Fact name="Who">
          {actor.name} {actor.id && <Code>{actor.id}</Code>}
        </Fact>
        <Fact name="Of">
          {object.name} {object.id && <Code>{object.id}</Code>}
        </Fact>
        {account && (
          <Fact name="Account">
            <AppLink to={paths.account(account.id)}>{account.name}</AppLink>
          </Fact>
        )}
        {record.requestId && (
          <Fact name="Request">
            <Code>{record.requestId}</Code>
          </Fact>
        )}
        <Fact name="Record">
          {record.seq} <Code>{record.hash}</Code>
        </Fact>
        <Fact name="Follows">
          <Code>{record.prevHash}</Code>
        </Fact>
      </dl>
      {record.changes.length > 0 ? (
        <Table
          label="What changed"
          columns={changeColumns}
          rows={record.changes}
          rowKey={(c) => c.path}
        />
      ) : (
        <Whole record={record} />
      )}
      <RevertRecord record={record} />
    </div>
  );
}

/** What was made, or is gone. */
function Whole({ record }: { record: AuditRecord }) {
  const text = record.after ?? record.before;
  if (text === null || (record.before !== null && record.after !== null)) {
    return <p className="text-muted">It was the same before and after.</p>;
  }
  return (
    <section aria-label={record.after === null ? "Before" : "After"}>
      <h3 className="mb-1 font-medium">{record.after === null ? "Before" : "After"}</h3>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        tabIndex={0}
        className="max-h-80 overflow-auto rounded-control border border-line bg-ground p-3 font-mono text-small"
      >
        {JSON.stringify(JSON.parse(text), null, 2)}
      </pre>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}

const Code = ({ children }: { children: ReactNode }) => (
  <code className="font-mono text-small break-all text-muted">{children}</code>
);

const value = (text: string | null) =>
  text === null ? (
    <span className="text-faint">–</span>
  ) : (
    <code className="font-mono text-small break-all">{text}</code>
  );

const changeColumns: Column<AuditRecord["changes"][number]>[] = [
  { id: "path", head: "Field", cell: (c) => <span className="break-all">{c.path}</span> },
  { id: "before", head: "Before", cell: (c) => value(c.before) },
  { id: "after", head: "After", cell: (c) => value(c.after) },
];
