import { Plus } from "lucide-react";
import { useState } from "react";
import { useNow, useQueryState } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { RowMenu } from "~/ui/RowMenu";
import { EmptyState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import type { AccountDetails } from "./Account";
import { ExpiryDialog, RevokeDialog, SuspendDialog } from "./account-key-actions";
import { CreateKeyDialog } from "./account-key-create";
import { RotateDialog } from "./account-key-rotate";
import { ScopeDialog } from "./account-key-scope";

export type Key = AccountDetails["keys"]["nodes"][number];
type Asked = { what: "suspend" | "expiry" | "rotate" | "revoke" | "scope"; key: Key };

export function AccountKeys({
  accountId,
  accountName,
  keys,
  closed = false,
  reload,
}: {
  accountId: string;
  accountName: string;
  keys: AccountDetails["keys"] | undefined;
  /** Whether the account is: its keys are revoked, and it gets no others. */
  closed?: boolean;
  /** Reads them again: somebody else may have changed one. */
  reload: () => void;
}) {
  const [creating, setCreating] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const nowMS = useNow(1_000);
  const create = !closed && (
    <Permitted needs="KEYS_WRITE">
      <Button icon={<Plus aria-hidden className="size-4" />} onClick={() => setCreating(true)}>
        New key
      </Button>
    </Permitted>
  );
  const [turned, turn] = useQueryState();
  const close = () => {
    setAsked(null);
    reload();
  };
  return (
    <Panel
      title="Keys"
      note={keys && plural(keys.totalCount, "key")}
      actions={keys?.totalCount !== 0 && create}
    >
      {keys?.totalCount === 0 ? (
        <EmptyState title={closed ? "No keys" : "No keys yet"} action={create}>
          A key tells the filter who calls.
          {!closed && " Until this account has a key or an identity, it can’t send requests."}
        </EmptyState>
      ) : (
        <Table
          label="Keys"
          columns={keyColumns(nowMS, setAsked)}
          rows={keys?.nodes}
          rowKey={(k) => k.id}
          skeletonRows={2}
        />
      )}
      <Pager page={keys?.pageInfo} after={turned.get("keys")} onTurn={(to) => turn({ keys: to })} />
      {creating && (
        <CreateKeyDialog
          accountId={accountId}
          accountName={accountName}
          onClose={() => setCreating(false)}
        />
      )}
      {asked?.what === "suspend" && <SuspendDialog apiKey={asked.key} onClose={close} />}
      {asked?.what === "scope" && <ScopeDialog apiKey={asked.key} onClose={close} />}
      {asked?.what === "expiry" && <ExpiryDialog apiKey={asked.key} onClose={close} />}
      {asked?.what === "rotate" && <RotateDialog apiKey={asked.key} onClose={close} />}
      {asked?.what === "revoke" && <RevokeDialog apiKey={asked.key} onClose={close} />}
    </Panel>
  );
}

function keyColumns(nowMS: number, ask: (asked: Asked) => void): Column<Key>[] {
  return [
    {
      id: "name",
      head: "Name",
      sort: (k) => k.name,
      cell: (k) => (
        <span className="inline-flex flex-wrap items-center gap-x-2">
          <span className="font-medium">{k.name}</span>
          {k.environment === "SANDBOX" && <Badge kind="soft">Sandbox</Badge>}
          {k.scope && (
            <span className="text-small text-muted" title={targetsOf(k.scope)}>
              {scopeWords(k.scope)}
            </span>
          )}
          <Succession apiKey={k} />
        </span>
      ),
    },
    {
      id: "prefix",
      head: "Begins with",
      from: "sm",
      stacks: true,
      cell: (k) => <code className="font-mono text-small text-muted">{k.prefix}…</code>,
    },
    {
      id: "created",
      head: "Created",
      from: "md",
      sort: (k) => k.createdAt,
      cell: (k) => <When at={k.createdAt} nowMS={nowMS} />,
    },
    {
      id: "used",
      head: "Last used",
      from: "md",
      stacks: true,
      sort: (k) => k.lastUsedAt ?? "",
      cell: (k) =>
        k.lastUsedAt ? (
          <When at={k.lastUsedAt} nowMS={nowMS} />
        ) : (
          <span className="text-faint">never</span>
        ),
    },
    {
      id: "state",
      head: "State",
      sort: (k) => k.status,
      cell: (k) => <KeyState apiKey={k} nowMS={nowMS} />,
    },
    {
      id: "actions",
      head: "Actions",
      hideHead: true,
      numeric: true,
      cell: (k) =>
        k.status !== "REVOKED" && (
          <Permitted needs="KEYS_WRITE">
            <KeyActions apiKey={k} ask={ask} />
          </Permitted>
        ),
    },
  ];
}

type Scope = NonNullable<Key["scope"]>;

/** What a key may be used for, in a few words. */
function scopeWords({ readsOnly, endpoints, groups }: Scope): string {
  const targets = endpoints.length + groups.length;
  const what = readsOnly ? "reads only" : "";
  const where = targets > 0 ? plural(targets, "endpoint or group", "endpoints and groups") : "";
  return [what, where].filter(Boolean).join(", ") || "endpoints that are gone";
}

const targetsOf = ({ endpoints, groups }: Scope) =>
  [...groups.map((g) => g.name), ...endpoints.map((e) => `${e.method} ${e.template}`)].join(", ");

/** The keys before and after it in a rotation. */
function Succession({ apiKey: { replaces, replacedBy, status } }: { apiKey: Key }) {
  if (!replaces && !replacedBy) return null;
  const goesOn = status === "LIVE" || status === "SUSPENDED";
  return (
    <span className="block basis-full text-small text-faint">
      {replacedBy
        ? `Rotated: ${replacedBy.prefix}… takes its place${goesOn ? ", both work until this one expires" : ""}`
        : `In the place of ${replaces?.prefix}…`}
    </span>
  );
}

function KeyState({ apiKey, nowMS }: { apiKey: Key; nowMS: number }) {
  const { status, revokedAt, expiresAt } = apiKey;
  if (revokedAt !== null) {
    return (
      <span className="text-faint">
        Revoked <When at={revokedAt} nowMS={nowMS} />
      </span>
    );
  }
  const ends = expiresAt && (
    <span className="text-small text-faint">
      {status === "EXPIRED" ? "since " : "expires "}
      <When at={expiresAt} nowMS={nowMS} coming />
    </span>
  );
  const badges = {
    LIVE: <Badge kind="good">Live</Badge>,
    SUSPENDED: <Badge kind="bad">Suspended</Badge>,
    EXPIRED: <Badge kind="warning">Expired</Badge>,
    REVOKED: null,
  };
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      {badges[status]}
      {ends}
    </span>
  );
}

function KeyActions({ apiKey, ask }: { apiKey: Key; ask: (asked: Asked) => void }) {
  const { status } = apiKey;
  const deed = (what: Asked["what"], label: string, danger = false) => ({
    label,
    danger,
    onSelect: () => ask({ what, key: apiKey }),
  });
  return (
    <RowMenu
      of={apiKey.name}
      deeds={[
        deed("scope", "Scope"),
        deed("expiry", "Expiry"),
        ...(status === "LIVE" || status === "SUSPENDED" ? [deed("rotate", "Rotate")] : []),
        deed("suspend", status === "SUSPENDED" ? "Resume" : "Suspend"),
        deed("revoke", "Revoke", true),
      ]}
    />
  );
}
