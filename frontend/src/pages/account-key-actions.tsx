import { useState } from "react";
import { useMutation } from "urql";
import { explain, type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { inputMoment, isoOfInput } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import type { Key } from "./account-keys";

const UpdateKey = graphql(`
  mutation UpdateKey($input: UpdateKeyInput!) {
    updateKey(input: $input) {
      snapshot
      key {
        id
        status
        expiresAt
      }
    }
  }
`);

const RevokeKey = graphql(`
  mutation RevokeKey($id: ID!) {
    revokeKey(id: $id) {
      key {
        id
        status
        revokedAt
      }
    }
  }
`);

type Props = { apiKey: Key; onClose: () => void };

export function SuspendDialog({ apiKey, onClose }: Props) {
  const [{ fetching, error }, update] = useMutation(UpdateKey);
  const say = useToast();
  const suspended = apiKey.status === "SUSPENDED";
  const confirm = async () => {
    const result = await update({ input: { id: apiKey.id, suspended: !suspended } });
    if (result.error) return;
    say(suspended ? `${apiKey.name} works again` : `${apiKey.name} is suspended`);
    onClose();
  };
  return (
    <Confirm
      title={`${suspended ? "Resume" : "Suspend"} ${apiKey.name}?`}
      confirm={suspended ? "Resume key" : "Suspend key"}
      danger={!suspended}
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      {suspended
        ? "Requests with this key are let through again as the account’s limits allow, in about a second."
        : "Requests with this key are refused with 403, in about a second. The account’s other keys go on working, and you can resume this one at any time."}
    </Confirm>
  );
}

export function ExpiryDialog({ apiKey, onClose }: Props) {
  const [{ fetching }, update] = useMutation(UpdateKey);
  const [at, setAt] = useState(apiKey.expiresAt ? inputMoment(Date.parse(apiKey.expiresAt)) : "");
  const [faults, setFaults] = useState<Faults | null>(null);
  const say = useToast();
  const submit = async () => {
    const expiresAt = at === "" ? null : isoOfInput(at);
    const { error } = await update({
      input: { id: apiKey.id, ...(expiresAt === null ? { neverExpires: true } : { expiresAt }) },
    });
    if (error) return setFaults(faultsOf(error, (f) => f === "expiresAt"));
    say(expiresAt === null ? `${apiKey.name} does not expire` : `${apiKey.name} has an expiry`);
    onClose();
  };
  return (
    <FormDialog
      title={`Expiry of ${apiKey.name}`}
      submit="Save expiry"
      busy={fetching}
      errors={faults?.general}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        autofocus
        label="Expires"
        hint="In your time zone; empty for never. A time that has passed ends it now."
        error={faults?.fields.expiresAt}
        type="datetime-local"
        value={at}
        onChange={setAt}
      />
      <p className="text-muted">
        From then on requests with this key are refused with 401. Every Envoy checks it by its own
        clock, whether it can reach the control plane or not.
      </p>
    </FormDialog>
  );
}

export function RevokeDialog({ apiKey, onClose }: Props) {
  const [{ fetching, error }, revoke] = useMutation(RevokeKey);
  const say = useToast();
  const confirm = async () => {
    const result = await revoke({ id: apiKey.id });
    if (result.error) return;
    say(`${apiKey.name} is revoked`);
    onClose();
  };
  return (
    <Confirm
      title={`Revoke ${apiKey.name}?`}
      confirm="Revoke for good"
      typed={apiKey.name}
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
