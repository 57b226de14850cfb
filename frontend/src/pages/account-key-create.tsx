import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { FormDialog } from "~/ui/FormDialog";
import { isoOfInput } from "~/ui/format";
import { CheckField, TextField } from "~/ui/inputs";
import { OnceDialog } from "~/ui/OnceDialog";
import { isScoped, noScope, ScopeFields, scopeInput } from "./account-key-scope";

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

const fields = ["name", "expiresAt", "scope"];

export function CreateKeyDialog({
  accountId,
  accountName,
  onClose,
}: {
  accountId: string;
  accountName: string;
  onClose: () => void;
}) {
  const [{ data }, create] = useMutation(CreateKey);
  const { submit, busy, faults } = useSubmit(fields);
  const [name, setName] = useState("");
  const [expires, setExpires] = useState("");
  const [sandbox, setSandbox] = useState(false);
  const [scope, setScope] = useState(noScope);
  const save = async () => {
    const expiresAt = isoOfInput(expires);
    await submit(
      create({
        input: {
          accountId,
          name: name.trim(),
          environment: sandbox ? "SANDBOX" : "LIVE",
          ...(expiresAt !== null && { expiresAt }),
          ...(isScoped(scope) && { scope: scopeInput(scope) }),
        },
      }),
    );
  };
  if (data) return <SecretDialog secret={data.createKey.secret} onClose={onClose} />;
  return (
    <FormDialog
      title={`New key for ${accountName}`}
      submit="Create key"
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <TextField
        autofocus
        required
        label="Name"
        hint="What the key is for, such as “production”."
        error={faults?.fields.name}
        maxLength={64}
        value={name}
        onChange={setName}
      />
      <TextField
        label="Expires"
        hint="In your time zone; empty for never."
        error={faults?.fields.expiresAt}
        type="datetime-local"
        value={expires}
        onChange={setExpires}
      />
      <CheckField
        label="Sandbox"
        note="For trying things out: the upstream is told."
        checked={sandbox}
        onChange={setSandbox}
      />
      <ScopeFields scope={scope} error={faults?.fields.scope} onChange={setScope} />
    </FormDialog>
  );
}

/** The only time that a key's secret is on screen. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <OnceDialog title="The new key" secret={secret} copy="Copy key" onClose={onClose}>
      Callers send it in the x-api-key header, or as a bearer token. Every Envoy knows it in about a
      second.
    </OnceDialog>
  );
}
