import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { FormDialog } from "~/ui/FormDialog";
import { isoOfInput } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { SecretDialog } from "./account-key-create";
import type { Key } from "./account-keys";

const RotateKey = graphql(`
  mutation RotateKey($input: RotateKeyInput!) {
    rotateKey(input: $input) {
      secret
      key {
        id
        account {
          id
        }
      }
      replaced {
        id
        status
        expiresAt
      }
    }
  }
`);

const overlaps = [
  { value: "0", label: "Not at all" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "1 week" },
  { value: "2592000", label: "30 days" },
];

/** Puts a new key in the place of one, which goes on for a while. */
export function RotateDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [{ data }, rotate] = useMutation(RotateKey);
  const { submit, busy, faults } = useSubmit(["overlapSeconds", "expiresAt"]);
  const [expires, setExpires] = useState("");
  const expiresAt = isoOfInput(expires);
  const [overlap, setOverlap] = useState("86400");
  if (data) return <SecretDialog secret={data.rotateKey.secret} onClose={onClose} />;
  return (
    <FormDialog
      title={`Rotate ${apiKey.name}`}
      submit="Rotate key"
      busy={busy}
      errors={faults?.general}
      onSubmit={async () => {
        await submit(
          rotate({
            input: {
              id: apiKey.id,
              overlapSeconds: Number(overlap),
              ...(expiresAt !== null && { expiresAt }),
            },
          }),
        );
      }}
      onClose={onClose}
    >
      <p className="text-muted">
        A new key with the same name, environment and scope takes its place. Both work until the old
        one expires.
      </p>
      <SelectField
        autofocus
        label="The old key goes on for"
        error={faults?.fields.overlapSeconds}
        value={overlap}
        choices={overlaps}
        onChange={setOverlap}
      />
      <TextField
        label="The new key expires"
        hint="In your time zone; empty for never."
        error={faults?.fields.expiresAt}
        type="datetime-local"
        value={expires}
        onChange={setExpires}
      />
    </FormDialog>
  );
}
