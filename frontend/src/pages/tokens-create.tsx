import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { type Permission, useViewer } from "~/api/viewer";
import { FormDialog } from "~/ui/FormDialog";
import { isoOfInput } from "~/ui/format";
import { CheckField, TextField } from "~/ui/inputs";
import { OnceDialog } from "~/ui/OnceDialog";
import type { Pick } from "~/ui/PickField";
import { AccountField } from "./account-field";

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
export const permissionWords = (permission: string) => {
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
  const [account, setAccount] = useState<Pick | null>(null);
  const [expires, setExpires] = useState("");
  const save = async () => {
    if (scopes.length === 0) return refuse("scopes", "Choose at least one permission.");
    const expiresAt = isoOfInput(expires);
    const input = {
      name: name.trim(),
      scopes,
      ...(account && { accountId: account.value }),
      ...(expiresAt !== null && { expiresAt }),
    };
    if (await submit(create({ input }))) onCreated();
  };
  const toggle = (permission: Permission, on: boolean) =>
    setScopes(on ? [...scopes, permission] : scopes.filter((s) => s !== permission));
  if (data)
    return (
      <OnceDialog
        title="The new token"
        secret={data.createApiToken.secret}
        copy="Copy token"
        onClose={onClose}
      >
        Scripts send it as a bearer token. It works while you can sign in, and never does more than
        you may.
      </OnceDialog>
    );
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
              label={permissionWords(permission)}
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
      <AccountField
        label="Only this account"
        hint="None chosen: all."
        error={faults?.fields.accountId}
        chosen={account}
        onChange={setAccount}
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
