import { Plus } from "lucide-react";
import { useState } from "react";
import { useMutation } from "urql";
import { explain, type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useNow, useQueryState } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { SelectField, TextField } from "~/ui/inputs";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";
import type { AccountDetails } from "./Account";

const AddIdentity = graphql(`
  mutation AddIdentity($input: AddIdentityInput!) {
    addIdentity(input: $input) {
      snapshot
      account {
        id
      }
    }
  }
`);

const RemoveIdentity = graphql(`
  mutation RemoveIdentity($id: ID!) {
    removeIdentity(id: $id) {
      snapshot
      account {
        id
      }
    }
  }
`);

type Identity = AccountDetails["identities"]["nodes"][number];
type Kind = Identity["kind"];

const kindWords: Record<Kind, string> = {
  JWT_SUBJECT: "JWT subject",
  CERTIFICATE: "Certificate",
};

const additionalTypenames = ["Account", "Identity"];

/** How the account is known apart from its keys. */
export function AccountIdentities({
  accountId,
  identities,
  closed = false,
}: {
  accountId: string;
  identities: AccountDetails["identities"] | undefined;
  /** Whether the account is, so that nothing of it can be changed. */
  closed?: boolean;
}) {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Identity | null>(null);
  const [turned, turn] = useQueryState();
  const nowMS = useNow(30_000);
  const add = !closed && (
    <Permitted needs="ACCOUNTS_WRITE">
      <Button icon={<Plus aria-hidden className="size-4" />} onClick={() => setAdding(true)}>
        New identity
      </Button>
    </Permitted>
  );
  return (
    <Panel title="Identities" note="Tokens and certificates that stand for it" actions={add}>
      {identities?.totalCount === 0 ? (
        <EmptyState title="No identities">
          Only its keys identify this account. A verified JWT’s subject or a client certificate’s
          name can do so as well.
        </EmptyState>
      ) : (
        <Table
          label="Identities"
          columns={identityColumns(nowMS, closed, setRemoving)}
          rows={identities?.nodes}
          rowKey={(i) => i.id}
          skeletonRows={1}
        />
      )}
      <Pager
        page={identities?.pageInfo}
        after={turned.get("identities")}
        onTurn={(to) => turn({ identities: to })}
      />
      {adding && <AddDialog accountId={accountId} onClose={() => setAdding(false)} />}
      {removing && <RemoveDialog identity={removing} onClose={() => setRemoving(null)} />}
    </Panel>
  );
}

function identityColumns(
  nowMS: number,
  closed: boolean,
  remove: (i: Identity) => void,
): Column<Identity>[] {
  return [
    {
      id: "kind",
      head: "Kind",
      sort: (i) => i.kind,
      cell: (i) => kindWords[i.kind],
    },
    {
      id: "value",
      head: "Name",
      sort: (i) => i.value,
      cell: (i) => (
        <>
          <code className="font-mono text-small break-all">{i.value}</code>
          {i.issuer && <span className="block text-small text-faint break-all">of {i.issuer}</span>}
        </>
      ),
    },
    {
      id: "created",
      head: "Added",
      from: "md",
      sort: (i) => i.createdAt,
      cell: (i) => <When at={i.createdAt} nowMS={nowMS} className="text-muted" />,
    },
    {
      id: "remove",
      head: "Remove",
      hideHead: true,
      numeric: true,
      cell: (i) =>
        !closed && (
          <Permitted needs="ACCOUNTS_WRITE">
            <Button kind="quiet" aria-label={`Remove ${i.value}`} onClick={() => remove(i)}>
              Remove
            </Button>
          </Permitted>
        ),
    },
  ];
}

const hints: Record<Kind, string> = {
  JWT_SUBJECT: "The token’s sub claim, as Envoy’s jwt_authn verified it.",
  CERTIFICATE: "Its URI, DNS name or subject, as the filter is configured to read.",
};

function AddDialog({ accountId, onClose }: { accountId: string; onClose: () => void }) {
  const [{ fetching }, add] = useMutation(AddIdentity);
  const [kind, setKind] = useState<Kind>("JWT_SUBJECT");
  const [value, setValue] = useState("");
  const [issuer, setIssuer] = useState("");
  const [faults, setFaults] = useState<Faults | null>(null);
  const say = useToast();
  const ofJWT = kind === "JWT_SUBJECT";
  const submit = async () => {
    const { error } = await add(
      { input: { accountId, kind, value: value.trim(), issuer: ofJWT ? issuer.trim() : "" } },
      { additionalTypenames },
    );
    if (error)
      return setFaults(faultsOf(error, (f) => f === "kind" || f === "value" || f === "issuer"));
    say(`${value.trim()} stands for this account`);
    onClose();
  };
  return (
    <FormDialog
      title="New identity"
      submit="Add identity"
      busy={fetching}
      errors={faults?.general}
      onSubmit={submit}
      onClose={onClose}
    >
      <SelectField
        label="Kind"
        error={faults?.fields.kind}
        value={kind}
        choices={Object.entries(kindWords).map(([v, label]) => ({ value: v, label }))}
        onChange={(v) => setKind(v as Kind)}
      />
      <TextField
        autofocus
        required
        label="Name"
        hint={hints[kind]}
        error={faults?.fields.value}
        look="code"
        maxLength={256}
        value={value}
        onChange={setValue}
      />
      {ofJWT && (
        <TextField
          label="Issuer"
          hint="The token’s iss claim. Empty: any issuer that Envoy trusts."
          error={faults?.fields.issuer}
          look="code"
          maxLength={256}
          value={issuer}
          onChange={setIssuer}
        />
      )}
    </FormDialog>
  );
}

function RemoveDialog({ identity, onClose }: { identity: Identity; onClose: () => void }) {
  const [{ fetching, error }, remove] = useMutation(RemoveIdentity);
  const say = useToast();
  const confirm = async () => {
    const result = await remove({ id: identity.id }, { additionalTypenames });
    if (result.error) return;
    say(`${identity.value} no longer stands for this account`);
    onClose();
  };
  return (
    <Confirm
      title={`Remove ${identity.value}?`}
      confirm="Remove identity"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      Callers with this {kindWords[identity.kind]} are not known as this account any more, in about
      a second.
    </Confirm>
  );
}
