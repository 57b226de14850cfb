import { useState } from "react";
import { useMutation } from "urql";
import { basedOn, useSubmit } from "~/api/submit";
import { Permitted } from "~/app/Permitted";
import { statusWords } from "~/ui/Badge";
import { FormDialog } from "~/ui/FormDialog";
import { inputMoment, isoOfInput } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { Notice } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { UpdateAccount } from "./account-settings";
import { AtField, useSchedule } from "./schedule";

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

/** What it means that an account is closed, and the way back for those who may take it. */
export function ClosedNotice() {
  return (
    <Notice kind="info">
      <p>
        This account is closed. Every request is refused with 403, and its keys are revoked, for
        good. Its usage and audit records stay; its settings, limits and keys can’t be changed.
        <Permitted needs="ACCOUNTS_WRITE">
          {" "}
          “Change status” reopens it, as suspended and without its keys.
        </Permitted>
      </p>
    </Notice>
  );
}

/** Another status, now or at a time; with a trial, its end and what comes then. */
export function StatusDialog({
  account: now,
  tiers,
  onClose,
}: {
  account: AccountDetails;
  tiers: Array<{ id: string; name: string }>;
  onClose: () => void;
}) {
  const [, update] = useMutation(UpdateAccount);
  const schedule = useSchedule();
  const { submit, forget, busy, faults } = useSubmit([
    "status",
    "trial.endsAt",
    "trial.tierId",
    "at",
  ]);
  // As it was when the form began: it is read again all the time.
  const [account] = useState(now);
  const choices = becomes[account.status];
  const [status, setStatus] = useState<Status>(choices[0] ?? "SUSPENDED");
  const [endsAt, setEndsAt] = useState(() =>
    inputMoment(account.trial ? Date.parse(account.trial.endsAt) : Date.now() + 30 * dayMS),
  );
  const [then, setThen] = useState<End>(account.trial?.then ?? "SUSPEND");
  const [tierId, setTierId] = useState(account.trial?.tier?.id ?? "");
  const [at, setAt] = useState("");
  const say = useToast();
  const save = async (revision: number | null = account.revision) => {
    const trial = {
      endsAt: isoOfInput(endsAt) ?? "",
      then,
      ...(then === "ACTIVATE" && tierId !== "" && { tierId }),
    };
    const input = { id: account.id, status, ...(status === "TRIAL" && { trial }) };
    const saved = at
      ? await submit(schedule(at, { updateAccount: input }))
      : await submit(update({ input: { ...input, ...basedOn(revision) } }));
    if (!saved) return;
    const becoming = statusWords(status).toLowerCase();
    say(at ? `${account.name} is going to be ${becoming}` : `${account.name} is ${becoming}`);
    onClose();
  };
  return (
    <UnlessStale
      what={account.name}
      faults={faults}
      mine="changes its status as you said; what else they changed stays theirs."
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={`Status of ${account.name}`}
        submit={at ? "Schedule" : "Change status"}
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
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
        <AtField at={at} error={faults?.fields.at} onChange={setAt} />
      </FormDialog>
    </UnlessStale>
  );
}
