import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { Permitted } from "~/app/Permitted";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { inputMoment, isoOfInput } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import type { Key } from "./account-keys";
import { AtField, atWords, useSchedule } from "./schedule";

const UpdateKey = graphql(`
  mutation UpdateKey($input: UpdateKeyInput!) {
    updateKey(input: $input) {
      snapshot
      key {
        id
        status
        expiresAt
        revision
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
  const [, update] = useMutation(UpdateKey);
  const { submit, forget, busy, faults } = useSubmit([]);
  // As it was when it was asked: the key is read again all the time.
  const [opened] = useState(apiKey);
  const say = useToast();
  const suspended = opened.status === "SUSPENDED";
  const save = async (revision: number | null = opened.revision) => {
    const change = { ...basedOn(revision), suspended: !suspended };
    if (!(await submit(update({ input: { id: apiKey.id, ...change } })))) return;
    say(suspended ? `${apiKey.name} works again` : `${apiKey.name} is suspended`);
    onClose();
  };
  return (
    <UnlessStale
      what={apiKey.name}
      faults={faults}
      mine={suspended ? "resumes it all the same." : "suspends it all the same."}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <Confirm
        title={`${suspended ? "Resume" : "Suspend"} ${apiKey.name}?`}
        confirm={suspended ? "Resume key" : "Suspend key"}
        danger={!suspended}
        busy={busy}
        error={faults?.general[0]}
        onConfirm={() => save()}
        onClose={onClose}
      >
        {suspended
          ? "Requests with this key are let through again as the account’s limits allow, in about a second."
          : "Requests with this key are refused with 403, in about a second. The account’s other keys go on working, and you can resume this one at any time."}
      </Confirm>
    </UnlessStale>
  );
}

export function ExpiryDialog({ apiKey, onClose }: Props) {
  const [, update] = useMutation(UpdateKey);
  const { submit, forget, busy, faults } = useSubmit(["expiresAt"]);
  const [opened] = useState(apiKey.revision);
  const [at, setAt] = useState(apiKey.expiresAt ? inputMoment(Date.parse(apiKey.expiresAt)) : "");
  const say = useToast();
  const save = async (revision: number | null = opened) => {
    const expiresAt = at === "" ? null : isoOfInput(at);
    const change = expiresAt === null ? { neverExpires: true } : { expiresAt };
    if (!(await submit(update({ input: { id: apiKey.id, ...basedOn(revision), ...change } })))) {
      return;
    }
    say(expiresAt === null ? `${apiKey.name} does not expire` : `${apiKey.name} has an expiry`);
    onClose();
  };
  return (
    <UnlessStale
      what={apiKey.name}
      faults={faults}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={`Expiry of ${apiKey.name}`}
        submit="Save expiry"
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
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
    </UnlessStale>
  );
}

export function RevokeDialog({ apiKey, onClose }: Props) {
  const [, revoke] = useMutation(RevokeKey);
  const schedule = useSchedule();
  const { submit, busy, faults } = useSubmit(["at"]);
  const [at, setAt] = useState("");
  const say = useToast();
  const confirm = async () => {
    const done = at
      ? await submit(schedule(at, { revokeKey: apiKey.id }))
      : await submit(revoke({ id: apiKey.id }));
    if (!done) return;
    say(`${apiKey.name} is ${at ? `going to be revoked at ${atWords(at)}` : "revoked"}`);
    onClose();
  };
  return (
    <Confirm
      title={`Revoke ${apiKey.name}?`}
      confirm={at ? "Schedule" : "Revoke for good"}
      typed={apiKey.name}
      danger
      busy={busy}
      error={faults?.general[0]}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        Requests with this key are refused with 401, in about a second. A revoked key can’t be
        brought back.
      </p>
      <Permitted needs="POLICY_READ" unbound>
        <AtField at={at} error={faults?.fields.at} onChange={setAt} />
      </Permitted>
    </Confirm>
  );
}
