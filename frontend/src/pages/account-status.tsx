import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { statusWords } from "~/ui/Badge";
import { FormDialog } from "~/ui/FormDialog";
import { inputMoment, isoOfInput } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { UpdateAccount } from "./account-settings";

export const ScheduleChange = graphql(`
  mutation ScheduleChange($input: ScheduleChangeInput!) {
    scheduleChange(input: $input) {
      change {
        id
        at
      }
    }
  }
`);

type Status = AccountDetails["status"];
type End = "ACTIVATE" | "SUSPEND";

const becomes: Record<Status, Status[]> = {
  TRIAL: ["ACTIVE", "TRIAL", "SUSPENDED", "CLOSED"],
  ACTIVE: ["SUSPENDED", "TRIAL", "CLOSED"],
  SUSPENDED: ["ACTIVE", "TRIAL", "CLOSED"],
  CLOSED: ["SUSPENDED"],
};

const follows: Record<Status, string> = {
  TRIAL: "Its requests are let through as its limits allow, until the trial ends.",
  ACTIVE: "Its requests are let through as its limits allow.",
  SUSPENDED:
    "Every request is refused with 403. Keys and usage stay, and it can be activated again at any time.",
  CLOSED:
    "Every request is refused with 403, and its keys are revoked, for good. Usage and audit records stay. It can be reopened, without its keys.",
};

const dayMS = 86_400_000;

/** Another status, now or at a time; with a trial, its end and what comes then. */
export function StatusDialog({
  account,
  tiers,
  onClose,
}: {
  account: AccountDetails;
  tiers: Array<{ id: string; name: string }>;
  onClose: () => void;
}) {
  const [, update] = useMutation(UpdateAccount);
  const [, schedule] = useMutation(ScheduleChange);
  const { submit, busy, faults } = useSubmit(["status", "trial.endsAt", "trial.tierId", "at"]);
  const choices = becomes[account.status];
  const [status, setStatus] = useState<Status>(choices[0] ?? "SUSPENDED");
  const [endsAt, setEndsAt] = useState(() =>
    inputMoment(account.trial ? Date.parse(account.trial.endsAt) : Date.now() + 30 * dayMS),
  );
  const [then, setThen] = useState<End>(account.trial?.then ?? "SUSPEND");
  const [tierId, setTierId] = useState(account.trial?.tier?.id ?? "");
  const [at, setAt] = useState("");
  const say = useToast();
  const save = async () => {
    const trial = {
      endsAt: isoOfInput(endsAt) ?? "",
      then,
      ...(then === "ACTIVATE" && tierId !== "" && { tierId }),
    };
    const input = { id: account.id, status, ...(status === "TRIAL" && { trial }) };
    const when = isoOfInput(at);
    const saved = when
      ? await submit(schedule({ input: { at: when, change: { updateAccount: input } } }))
      : await submit(update({ input }));
    if (!saved) return;
    const becoming = statusWords(status).toLowerCase();
    say(when ? `${account.name} is going to be ${becoming}` : `${account.name} is ${becoming}`);
    onClose();
  };
  return (
    <FormDialog
      title={`Status of ${account.name}`}
      submit={at ? "Schedule" : "Change status"}
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <SelectField
        autofocus
        label="New status"
        hint={follows[status]}
        error={faults?.fields.status}
        value={status}
        choices={choices.map((s) => ({
          value: s,
          label: s === account.status ? "Another trial" : statusWords(s),
        }))}
        onChange={(s) => setStatus(s as Status)}
      />
      {status === "TRIAL" && (
        <>
          <TextField
            required
            type="datetime-local"
            label="Trial ends"
            error={faults?.fields["trial.endsAt"]}
            value={endsAt}
            onChange={setEndsAt}
          />
          <SelectField
            label="Then"
            value={then}
            choices={[
              { value: "SUSPEND", label: "Suspend it" },
              { value: "ACTIVATE", label: "Activate it" },
            ]}
            onChange={(v) => setThen(v as End)}
          />
          {then === "ACTIVATE" && (
            <SelectField
              label="On tier"
              error={faults?.fields["trial.tierId"]}
              value={tierId}
              choices={[
                { value: "", label: "The one that it is on" },
                ...tiers.map((t) => ({ value: t.id, label: t.name })),
              ]}
              onChange={setTierId}
            />
          )}
        </>
      )}
      <TextField
        type="datetime-local"
        label="At a time"
        hint="Empty: now, in about a second."
        error={faults?.fields.at}
        value={at}
        onChange={setAt}
      />
    </FormDialog>
  );
}
