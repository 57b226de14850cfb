import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { type Permission, useViewer } from "~/api/viewer";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { Dialog, DialogActions } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { isoOfInput } from "~/ui/format";
import { CheckField, TextField } from "~/ui/inputs";
import { Notice } from "~/ui/states";

const CreateToken = graphql(`
  mutation CreateToken($input: CreateApiTokenInput!) {
    createApiToken(input: $input) {
      secret
      token {
        id
      }
    }
  }
`);

/** ACCOUNTS_READ as people read it. */
const label = (permission: string) => {
  const words = permission.toLowerCase().replace("_", ": ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export function CreateTokenDialog({
  onClose,
  onCreated,
}: {
  onClose: () => void;
  onCreated: () => void;
}) {
  const { viewer } = useViewer();
  const [{ data }, create] = useMutation(CreateToken);
  const { submit, refuse, busy, faults } = useSubmit(["name", "scopes", "accountId", "expiresAt"]);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Permission[]>(["USAGE_READ"]);
  const [accountId, setAccountId] = useState("");
  const [expires, setExpires] = useState("");
  const save = async () => {
    if (scopes.length === 0) return refuse("scopes", "Choose at least one permission.");
    const expiresAt = isoOfInput(expires);
    const input = {
      name: name.trim(),
      scopes,
      ...(accountId.trim() !== "" && { accountId: accountId.trim() }),
      ...(expiresAt !== null && { expiresAt }),
    };
    if (await submit(create({ input }))) onCreated();
  };
  const toggle = (permission: Permission, on: boolean) =>
    setScopes(on ? [...scopes, permission] : scopes.filter((s) => s !== permission));
  if (data) return <SecretDialog secret={data.createApiToken.secret} onClose={onClose} />;
  return (
    <FormDialog
      title="New API token"
      submit="Create token"
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <TextField
        autofocus
        required
        label="Name"
        hint="What the token is for, such as “nightly export”."
        error={faults?.fields.name}
        maxLength={64}
        value={name}
        onChange={setName}
      />
      <fieldset className="min-w-0">
        <legend className="mb-1 font-medium">What it may do</legend>
        <div className="grid gap-1.5 sm:grid-cols-2">
          {viewer?.permissions.map((permission) => (
            <CheckField
              key={permission}
              label={label(permission)}
              checked={scopes.includes(permission)}
              onChange={(on) => toggle(permission, on)}
            />
          ))}
        </div>
        {faults?.fields.scopes && (
          <p role="alert" className="mt-1 text-small text-error">
            {faults.fields.scopes}
          </p>
        )}
      </fieldset>
      <TextField
        label="Only this account"
        hint="Its id, such as acc_7; empty for all."
        look="code"
        error={faults?.fields.accountId}
        value={accountId}
        onChange={setAccountId}
      />
      <TextField
        label="Expires"
        hint="In your time zone; empty for never."
        error={faults?.fields.expiresAt}
        type="datetime-local"
        value={expires}
        onChange={setExpires}
      />
    </FormDialog>
  );
}

/** The only time that a token's secret is on screen. */
function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title="The new token" onClose={onClose}>
      <div className="flex flex-col gap-3">
        <Notice kind="warning">
          Copy it now. It is stored as a digest only, and can’t be shown again.
        </Notice>
        <Copyable text={secret} label="Copy token" autofocus />
        <p className="text-muted">
          Scripts send it as a bearer token. It works while you can sign in, and never does more
          than you may.
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
