import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { useNow } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { ModeBadge } from "~/limit/ModeBadge";
import { brief } from "~/limit/words";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { plural } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";
import type { AccountDetails } from "./Account";
import { gets } from "./account-override-form";
import { AtField, atWords, useSchedule } from "./schedule";

const DeleteOverride = graphql(`
  mutation DeleteOverride($id: ID!) {
    deleteOverride(id: $id) {
      snapshot
      account {
        id
      }
    }
  }
`);

type Override = AccountDetails["overrides"]["nodes"][number];

/** What the account has instead of its tier's limits. */
export function AccountOverrides({ account }: { account: AccountDetails | undefined }) {
  const [deleting, setDeleting] = useState<Override | null>(null);
  const nowMS = useNow(1_000);
  const open = account?.status !== "CLOSED";
  const live = account?.overrides.nodes.filter((o) => o.inForce).length ?? 0;
  return (
    <Panel title="Overrides" note={account && `${plural(live, "override")} in force`}>
      {account?.overrides.nodes.length === 0 ? (
        <EmptyState title="No overrides">
          The tier’s limits hold as they are.
          {open && (
            <Permitted needs="ACCOUNTS_WRITE">
              {" "}
              “Override” beside a limit gives this account something else, for good or until a date.
            </Permitted>
          )}
        </EmptyState>
      ) : (
        <Table
          label="Overrides"
          columns={overrideColumns(nowMS, open, setDeleting)}
          rows={account?.overrides.nodes}
          rowKey={(o) => o.id}
          skeletonRows={1}
        />
      )}
      {deleting && <DeleteDialog override={deleting} onClose={() => setDeleting(null)} />}
    </Panel>
  );
}

function overrideColumns(
  nowMS: number,
  open: boolean,
  remove: (o: Override) => void,
): Column<Override>[] {
  return [
    {
      id: "limit",
      head: "Instead of",
      sort: (o) => o.limit.name,
      cell: (o) => (
        <>
          <span className="font-medium">{o.limit.name}</span>{" "}
          <span className="whitespace-nowrap text-faint">{brief(o.limit)}</span>
        </>
      ),
    },
    {
      id: "gets",
      head: "Gets",
      sort: (o) => o.amount,
      cell: (o) => (
        <span className="inline-flex flex-wrap items-center gap-x-2">
          {gets(o.limit, o)}
          {o.introductory && <Badge kind="soft">Introductory</Badge>}
          {o.mode && o.mode !== "ENFORCE" && <ModeBadge mode={o.mode} />}
          {o.mode === "ENFORCE" && o.limit.mode !== "ENFORCE" && <ModeBadge mode="ENFORCE" />}
        </span>
      ),
    },
    {
      id: "until",
      head: "Ends",
      from: "sm",
      stacks: true,
      sort: (o) => o.until ?? "9",
      cell: (o) => <Ends override={o} nowMS={nowMS} />,
    },
    {
      id: "note",
      head: "Note",
      from: "md",
      cell: (o) => <span className="text-muted">{o.note}</span>,
    },
    {
      id: "delete",
      head: "Delete",
      hideHead: true,
      numeric: true,
      cell: (o) =>
        open && (
          <Permitted needs="ACCOUNTS_WRITE">
            <Button
              kind="quiet"
              aria-label={`Delete the override of ${o.limit.name}`}
              onClick={() => remove(o)}
            >
              Delete
            </Button>
          </Permitted>
        ),
    },
  ];
}

function Ends({ override, nowMS }: { override: Override; nowMS: number }) {
  if (override.until === null) {
    return override.inForce ? "never" : <Badge>Not on this tier</Badge>;
  }
  const when = <When at={override.until} nowMS={nowMS} coming />;
  if (override.ended) return <span className="text-faint">Ended {when}</span>;
  return override.inForce ? when : <Badge>Not on this tier</Badge>;
}

function DeleteDialog({ override, onClose }: { override: Override; onClose: () => void }) {
  const [, remove] = useMutation(DeleteOverride);
  const schedule = useSchedule();
  const { submit, busy, faults } = useSubmit(["at"]);
  const [at, setAt] = useState("");
  const say = useToast();
  const confirm = async () => {
    const done = at
      ? await submit(schedule(at, { deleteOverride: override.id }))
      : await submit(remove({ id: override.id }, { additionalTypenames: ["Account", "Override"] }));
    if (!done) return;
    say(`The tier’s ${override.limit.name} holds again${at ? ` from ${atWords(at)}` : ""}`);
    onClose();
  };
  return (
    <Confirm
      title={`Delete the override of ${override.limit.name}?`}
      confirm={at ? "Schedule" : "Delete override"}
      danger
      busy={busy}
      error={faults?.general[0]}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        {override.inForce
          ? `The tier’s ${brief(override.limit)} holds again, in about a second. What was used stays used.`
          : "It is not in force any more; nothing changes for the account’s requests."}
      </p>
      {override.inForce && <AtField at={at} error={faults?.fields.at} onChange={setAt} />}
    </Confirm>
  );
}
