import { useState } from "react";
import { useMutation } from "urql";
import { type Faults, faultsOf, noFaults } from "~/api/errors";
import { graphql } from "~/api/gql";
import { basedOn } from "~/api/submit";
import type { Limit, Mode } from "~/limit/fields";
import { brief, quantity } from "~/limit/words";
import { FormDialog } from "~/ui/FormDialog";
import { moment } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import {
  amountOf,
  type BurstOf,
  draftOf,
  endOf,
  gets,
  inputOf,
  type OverrideDraft,
  type SavedOverride,
  typed,
} from "./account-override-form";
import { AtField, useSchedule } from "./schedule";

const SetOverride = graphql(`
  mutation SetOverride($input: SetOverrideInput!) {
    setOverride(input: $input) {
      snapshot
      account {
        id
      }
    }
  }
`);

const fields = ["at", "limitId", "amount", "burst", "mode", "until", "note"];

/** Gives one account something else instead of one limit of its tier. */
export function OverrideDialog({
  accountId,
  accountName,
  limits,
  limit: first,
  savedOf,
  revisionOf,
  onClose,
}: {
  accountId: string;
  accountName: string;
  limits: Limit[];
  limit: Limit;
  /** The override that is in force for a limit. */
  savedOf: (limit: Limit) => SavedOverride | null;
  /** The revision of the override of a limit, in force or not; 0 for none. */
  revisionOf: (limit: Limit) => number;
  onClose: () => void;
}) {
  const [, set] = useMutation(SetOverride);
  const schedule = useSchedule();
  const [at, setAt] = useState("");
  const [busy, setBusy] = useState(false);
  const [limit, setLimit] = useState(first);
  // As it was when the form began: another's edit in the meantime is not what was edited.
  const [saved, setSaved] = useState(() => savedOf(first));
  const [opened, setOpened] = useState(() => revisionOf(first));
  const [draft, setDraft] = useState(() => draftOf(limit, saved));
  const [faults, setFaults] = useState<Faults | null>(null);
  const say = useToast();

  const edit = (changed: Partial<OverrideDraft>) => setDraft({ ...draft, ...changed });
  const choose = (id: string) => {
    const chosen = limits.find((l) => l.id === id);
    if (!chosen) return;
    setLimit(chosen);
    setSaved(savedOf(chosen));
    setOpened(revisionOf(chosen));
    setDraft(draftOf(chosen, savedOf(chosen)));
    setFaults(null);
  };
  const units = amountOf(draft.amount, limit);
  const end = endOf(draft, limit, saved);
  const submit = async (revision: number | null = opened) => {
    const read = inputOf(draft, limit, saved, Date.now());
    if ("problems" in read) {
      return setFaults({ ...noFaults, fields: read.problems });
    }
    const input = { accountId, limitId: limit.id, ...read.input };
    setBusy(true);
    const { error } = at
      ? await schedule(at, { setOverride: input })
      : await set(
          { input: { ...input, ...basedOn(revision) } },
          { additionalTypenames: ["Account", "Override"] },
        );
    setBusy(false);
    if (error) return setFaults(faultsOf(error, (f) => fields.includes(f)));
    say(
      `${accountName} ${at ? "is going to have" : "has"} ${gets(limit, read.input)} instead of ${brief(limit)} on ${limit.name}`,
    );
    onClose();
  };
  return (
    <UnlessStale
      what={`the override of ${limit.name}`}
      faults={faults}
      busy={busy}
      mine="sets what you typed instead of theirs."
      onTheirs={onClose}
      onMine={submit}
      onClose={() => setFaults(null)}
    >
      <FormDialog
        title={`Override for ${accountName}`}
        submit={at ? "Schedule" : saved ? "Replace override" : "Set override"}
        busy={busy}
        errors={faults?.general}
        onSubmit={() => submit()}
        onClose={onClose}
      >
        <SelectField
          label="Instead of"
          error={faults?.fields.limitId}
          value={limit.id}
          choices={limits.map((l) => ({ value: l.id, label: `${l.name} (${brief(l)})` }))}
          onChange={choose}
        />
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            autofocus
            label="Amount"
            hint={`The tier’s: ${quantity(limit.amount, limit.measure)}.`}
            error={faults?.fields.amount}
            look="number"
            value={draft.amount}
            onChange={(amount) => edit({ amount })}
          />
          {limit.kind === "RATE" && (
            <SelectField
              label="Burst"
              error={draft.burstOf === "OWN" ? undefined : faults?.fields.burst}
              value={draft.burstOf}
              choices={[
                {
                  value: "LIMIT",
                  label: `As on the tier, ${typed(limit.burst ?? limit.amount, limit)}`,
                },
                { value: "AMOUNT", label: "As much as the amount" },
                { value: "OWN", label: "Another" },
              ]}
              onChange={(value) => edit({ burstOf: value as BurstOf })}
            />
          )}
          {limit.kind === "RATE" && draft.burstOf === "OWN" && (
            <TextField
              label="Own burst"
              hint="The most that fits at once."
              error={faults?.fields.burst}
              look="number"
              value={draft.burst}
              onChange={(burst) => edit({ burst })}
            />
          )}
          <SelectField
            label="Mode"
            error={faults?.fields.mode}
            value={draft.mode}
            choices={[
              { value: "", label: "As on the tier" },
              { value: "ENFORCE", label: "Enforce" },
              { value: "SOFT", label: "Soft" },
              { value: "SHADOW", label: "Shadow" },
            ]}
            onChange={(value) => edit({ mode: value as Mode | "" })}
          />
          <TextField
            label="Until"
            hint="In your time zone; empty for good."
            error={faults?.fields.until}
            type="datetime-local"
            step={1}
            value={draft.until}
            onChange={(until) => edit({ until })}
          />
        </div>
        <TextField
          label="Note"
          hint="Why, for whoever reads it later."
          error={faults?.fields.note}
          maxLength={500}
          value={draft.note}
          onChange={(note) => edit({ note })}
        />
        <AtField at={at} error={faults?.fields.at} onChange={setAt} />
        <p className="text-muted">
          {units === null
            ? "Reaches every Envoy in about a second; what was used stays used."
            : `${accountName} gets ${quantity(units, limit.measure)} instead of ${quantity(limit.amount, limit.measure)}, in about a second, ${end === null ? "for good" : `until ${moment(Date.parse(end))}`}. What was used stays used.`}
        </p>
      </FormDialog>
    </UnlessStale>
  );
}
