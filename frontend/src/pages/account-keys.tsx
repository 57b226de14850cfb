import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { explain, type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useNow } from "~/app/location";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { Confirm, Dialog, DialogActions } from "~/ui/Dialog";
import { Field } from "~/ui/Field";
import { ago, moment } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { EmptyState, Notice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";

const CreateKey = graphql(`
  mutation CreateKey($input: CreateKeyInput!) {
    createKey(input: $input) {
      secret
      key {
        id
        account {
          id
        }
      }
    }
  }
`);

const RevokeKey = graphql(`
  mutation RevokeKey($id: ID!) {
    revokeKey(id: $id) {
      key {
        id
        revokedAt
      }
    }
  }
`);

type Key = {
  id: string;
  name: string;
  prefix: string;
  createdAt: string;
  revokedAt: string | null;
};

export function AccountKeys({
  accountId,
  accountName,
  keys,
}: {
  accountId: string;
  accountName: string;
  keys: Key[] | undefined;
}) {
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const nowMS = useNow(30_000);
  const create = (
    <Button icon={<Plus aria-hidden className="size-4" />} onClick={() => setCreating(true)}>
      New key
    </Button>
  );
  const live = keys?.filter((k) => k.revokedAt === null).length ?? 0;
  return (
    <Panel title="Keys" note={keys && `${live} live`} actions={create}>
      {keys?.length === 0 ? (
        <EmptyState title="No keys yet" action={create}>
          A key tells the filter who calls. Until this account has one, it can’t send requests.
        </EmptyState>
      ) : (
        <Table
          label="Keys"
          columns={keyColumns(nowMS, setRevoking)}
          rows={keys}
          rowKey={(k) => k.id}
          skeletonRows={2}
        />
      )}
      {creating && (
        <CreateKeyDialog
          accountId={accountId}
          accountName={accountName}
          onClose={() => setCreating(false)}
        />
      )}
      {revoking && <RevokeDialog secretKey={revoking} onClose={() => setRevoking(null)} />}
    </Panel>
  );
}

function keyColumns(nowMS: number, revoke: (key: Key) => void): Column<Key>[] {
  return [
    {
      id: "name",
      head: "Name",
      sort: (k) => k.name,
      cell: (k) => <span className="font-medium">{k.name}</span>,
    },
    {
      id: "prefix",
      head: "Begins with",
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
      id: "state",
      head: "State",
      from: "sm",
      sort: (k) => k.revokedAt ?? "",
      cell: (k) =>
        k.revokedAt ? (
          <span className="text-faint">
            Revoked <When at={k.revokedAt} nowMS={nowMS} />
          </span>
        ) : (
          <Badge kind="good">Live</Badge>
        ),
    },
    {
      id: "revoke",
      head: "Revoke",
      hideHead: true,
      numeric: true,
      cell: (k) =>
        k.revokedAt === null && (
          <Button kind="quiet" aria-label={`Revoke ${k.name}`} onClick={() => revoke(k)}>
            Revoke
          </Button>
        ),
    },
  ];
}

function When({ at, nowMS }: { at: string; nowMS: number }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={moment(ms)}>
      {ago(ms, nowMS)}
    </time>
  );
}

function CreateKeyDialog({
  accountId,
  accountName,
  onClose,
}: {
  accountId: string;
  accountName: string;
  onClose: () => void;
}) {
  const [{ data, fetching }, create] = useMutation(CreateKey);
  const [name, setName] = useState("");
  const [faults, setFaults] = useState<Faults | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { error } = await create({ input: { accountId, name: name.trim() } });
    setFaults(error ? faultsOf(error, (f) => f === "name") : null);
  };
  if (data) return <SecretDialog secret={data.createKey.secret} onClose={onClose} />;
  return (
    <Dialog title={`New key for ${accountName}`} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field
          label="Name"
          hint="What the key is for, such as “production”."
          error={faults?.fields.name}
        >
          {(field) => (
            <input
              {...field}
              data-autofocus
              required
              maxLength={64}
              autoComplete="off"
              className="control w-full"
              value={name}
              onChange={(e) => setName(e.target.value)}
            />
          )}
        </Field>
        {faults?.general.map((message) => (
          <p key={message} role="alert" className="text-error">
            {message}
          </p>
        ))}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={fetching}>
            Create key
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** The only time that a key's secret is on screen. */
function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title="The new key" onClose={onClose}>
      <div className="flex flex-col gap-3">
        <Notice kind="warning">
          Copy it now. It is stored as a digest only, and can’t be shown again.
        </Notice>
        <Copyable text={secret} label="Copy key" autofocus />
        <p className="text-muted">
          Callers send it in the x-api-key header, or as a bearer token. Every Envoy knows it in
          about a second.
        </p>
        <DialogActions>
          <Button kind="primary" onClick={onClose}>
            I have copied it
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

function RevokeDialog({ secretKey, onClose }: { secretKey: Key; onClose: () => void }) {
  const [{ fetching, error }, revoke] = useMutation(RevokeKey);
  const say = useToast();
  const confirm = async () => {
    const result = await revoke({ id: secretKey.id });
    if (result.error) return;
    say(`${secretKey.name} is revoked`);
    onClose();
  };
  return (
    <Confirm
      title={`Revoke ${secretKey.name}?`}
      confirm="Revoke for good"
      typed={secretKey.name}
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      Requests with this key are refused with 401, in about a second. A revoked key can’t be brought
      back.
    </Confirm>
  );
}
