import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import type { Permission } from "~/api/viewer";
import { AppLink, useFreshness, useNow } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { moment } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { EmptyState, ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";

const ScheduledQuery = graphql(`
  query ScheduledChanges($after: String, $accountId: ID, $statuses: [ScheduleStatus!]) {
    scheduledChanges(first: 50, after: $after, accountId: $accountId, statuses: $statuses) {
      nodes {
        id
        at
        note
        field
        input
        account {
          id
          name
        }
        status
        by {
          name
        }
        settledAt
        fault
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const CancelScheduled = graphql(`
  mutation CancelScheduledChange($id: ID!) {
    cancelScheduledChange(id: $id) {
      change {
        id
        status
      }
    }
  }
`);

type Change = ResultOf<typeof ScheduledQuery>["scheduledChanges"]["nodes"][number];
export type ScheduleStatus = Change["status"];

const kinds = { PENDING: "soft", DONE: "good", FAILED: "bad", CANCELLED: "neutral" } as const;
export const scheduleWords = {
  PENDING: "Pending",
  DONE: "Done",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
} as const;

/** updateAccount as “Update account”. */
const fieldWords = (field: string) => {
  const words = field.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** A mutation's argument as “status: SUSPENDED, note: a launch”, without ids of its own. */
export function inputWords(json: string): string {
  const words = (value: unknown, path: string): string[] => {
    if (value === null || value === undefined) return [];
    if (typeof value !== "object") return [path ? `${path}: ${value}` : String(value)];
    return Object.entries(value).flatMap(([name, inner]) =>
      name === "id" || name === "accountId" ? [] : words(inner, path ? `${path}.${name}` : name),
    );
  };
  try {
    return words(JSON.parse(json), "").join(", ");
  } catch {
    return json;
  }
}

/** What the change takes, and so its cancelling. */
function needs(field: string): Permission {
  if (/Key$/.test(field)) return "KEYS_WRITE";
  if (/Account$|Override$|Identity$/.test(field)) return "ACCOUNTS_WRITE";
  return field === "setRetention" ? "SETTINGS_WRITE" : "POLICY_WRITE";
}

/** Scheduled changes, of one account or of all. */
export function ScheduledTable({
  accountId = null,
  statuses = null,
  after = null,
  onTurn,
}: {
  accountId?: string | null;
  statuses?: ScheduleStatus[] | null;
  after?: string | null;
  /** Without it there are no more pages. */
  onTurn?: (after: string | null) => void;
}) {
  const nowMS = useNow(1_000);
  const [cancelling, setCancelling] = useState<Change | null>(null);
  const { data, error, reload } = usePolled({
    query: ScheduledQuery,
    variables: { after, accountId, statuses },
    everyMS: useFreshness(),
  });
  if (error && !data)
    return <ErrorState what="the scheduled changes" error={error} retry={reload} />;
  if (data?.scheduledChanges.nodes.length === 0)
    return (
      <EmptyState title="No scheduled changes">
        A change can be made at a time that is chosen in advance. Those that are to come stand here.
        <Permitted needs="ACCOUNTS_WRITE">
          {" "}
          Choose “At a time” where an account’s status, overrides, keys or counters are changed, or
          use scheduleChange in the API.
        </Permitted>
      </EmptyState>
    );
  return (
    <>
      <Table
        label="Scheduled changes"
        columns={columns(nowMS, accountId === null, setCancelling)}
        rows={data?.scheduledChanges.nodes}
        rowKey={(c) => c.id}
        skeletonRows={2}
      />
      {onTurn && <Pager page={data?.scheduledChanges.pageInfo} after={after} onTurn={onTurn} />}
      {cancelling && <CancelDialog change={cancelling} onClose={() => setCancelling(null)} />}
    </>
  );
}

function columns(nowMS: number, whose: boolean, cancel: (c: Change) => void): Column<Change>[] {
  const all: Column<Change>[] = [
    {
      id: "at",
      head: "At",
      cell: (c) => (
        <When
          at={c.at}
          nowMS={nowMS}
          coming={Date.parse(c.at) > nowMS}
          className="whitespace-nowrap"
        />
      ),
    },
    {
      id: "what",
      head: "What",
      cell: (c) => (
        <>
          <span className="font-medium">{fieldWords(c.field)}</span>
          <span
            className="block max-w-96 text-small text-muted [overflow-wrap:anywhere]"
            title={c.input}
          >
            {inputWords(c.input)}
          </span>
          {c.note && <span className="block text-small text-muted">{c.note}</span>}
        </>
      ),
    },
    {
      id: "account",
      head: "Account",
      from: "lg",
      cell: (c) =>
        c.account ? (
          <AppLink
            to={paths.account(c.account.id)}
            title={c.account.name}
            className="block max-w-48 truncate font-medium hover:text-accent hover:underline"
          >
            {c.account.name}
          </AppLink>
        ) : (
          <span className="text-faint">–</span>
        ),
    },
    {
      id: "by",
      head: "By",
      from: "md",
      cell: (c) => <span className="text-muted">{c.by.name}</span>,
    },
    {
      id: "status",
      head: "Status",
      cell: (c) => (
        <>
          <Badge kind={kinds[c.status]}>{scheduleWords[c.status]}</Badge>
          {c.fault && <span className="block text-small text-error">{c.fault}</span>}
        </>
      ),
    },
    {
      id: "cancel",
      head: "Cancel",
      hideHead: true,
      numeric: true,
      cell: (c) =>
        c.status === "PENDING" && (
          <Permitted needs={needs(c.field)}>
            <Button
              kind="quiet"
              aria-label={`Cancel ${fieldWords(c.field)} at ${moment(Date.parse(c.at))}`}
              onClick={() => cancel(c)}
            >
              Cancel
            </Button>
          </Permitted>
        ),
    },
  ];
  return whose ? all : all.filter((c) => c.id !== "account");
}

function CancelDialog({ change, onClose }: { change: Change; onClose: () => void }) {
  const [{ fetching, error }, cancel] = useMutation(CancelScheduled);
  const say = useToast();
  const confirm = async () => {
    const result = await cancel({ id: change.id });
    if (result.error) return;
    say("The change is not going to be made");
    onClose();
  };
  return (
    <Confirm
      title={`Cancel “${fieldWords(change.field)}”?`}
      confirm="Cancel the change"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      It was to be made at {moment(Date.parse(change.at))}. Nothing is changed then.
    </Confirm>
  );
}
