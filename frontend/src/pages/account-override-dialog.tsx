import { useState } from "react";
import { useMutation } from "urql";
import { type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import type { Limit, Mode } from "~/limit/fields";
import { brief, exactBytes, quantity } from "~/limit/words";
import { FormDialog } from "~/ui/FormDialog";
import { exact, inputMoment, isoOfInput, moment } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import { bytesOf, wholeNumber } from "./tier-numbers";

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

export type CurrentOverride = {
  amount: number;
  burst: number | null;
  mode: Mode | null;
  until: string | null;
  note: string;
};

/** A burst that was as large as the amount on the tier stays so when nobody says otherwise. */
function bursting(limit: Limit, amount: number, typed: number | null) {
  if (typed !== null) return { burst: typed };
  return limit.burst === limit.amount ? { burst: amount } : {};
}

const fields = ["limitId", "amount", "burst", "mode", "until", "note"];

/** Gives one account something else instead of one limit of its tier. */
export function OverrideDialog({
  accountId,
  accountName,
  limits,
  limit: first,
  current,
  onClose,
}: {
  accountId: string;
  accountName: string;
  limits: Limit[];
  limit: Limit;
  current: CurrentOverride | null;
  onClose: () => void;
}) {
  const [{ fetching }, set] = useMutation(SetOverride);
  const [limitId, setLimitId] = useState(first.id);
  const limit = limits.find((l) => l.id === limitId) ?? first;
  const text = (n: number) => (limit.measure === "BYTES" ? exactBytes(n) : exact.format(n));
  const [amount, setAmount] = useState(current ? text(current.amount) : "");
  const [burst, setBurst] = useState(
    current?.burst && current.burst !== current.amount ? text(current.burst) : "",
  );
  const [mode, setMode] = useState<Mode | "">(current?.mode ?? "");
  const [until, setUntil] = useState(current?.until ? inputMoment(Date.parse(current.until)) : "");
  const [note, setNote] = useState(current?.note ?? "");
  const [faults, setFaults] = useState<Faults | null>(null);
  const say = useToast();

  const read = limit.measure === "BYTES" ? bytesOf : wholeNumber;
  const units = read(amount);
  const end = until === "" ? null : isoOfInput(until);
  const submit = async () => {
    const problems: Record<string, string> = {};
    const burstUnits = burst.trim() === "" ? null : read(burst);
    if (units === null) problems.amount = "A whole number from 1 to 1,000,000,000,000.";
    if (burst.trim() !== "" && burstUnits === null) problems.burst = "A whole number, or nothing.";
    if (end !== null && Date.parse(end) <= Date.now()) problems.until = "Give a time to come.";
    if (units === null || Object.keys(problems).length > 0) {
      return setFaults({ fields: problems, general: [], conflict: false });
    }
    const { error } = await set(
      {
        input: {
          accountId,
          limitId,
          amount: units,
          ...(limit.kind === "RATE" && bursting(limit, units, burstUnits)),
          ...(mode !== "" && { mode }),
          ...(end !== null && { until: end }),
          note: note.trim(),
        },
      },
      { additionalTypenames: ["Account", "Override"] },
    );
    if (error) return setFaults(faultsOf(error, (f) => fields.includes(f)));
    say(`${accountName} has ${text(units)} instead of ${text(limit.amount)} on ${limit.name}`);
    onClose();
  };
  return (
    <FormDialog
      title={`Override for ${accountName}`}
      submit={current ? "Replace override" : "Set override"}
      busy={fetching}
      errors={faults?.general}
      onSubmit={submit}
      onClose={onClose}
    >
      <SelectField
        label="Instead of"
        error={faults?.fields.limitId}
        value={limitId}
        choices={limits.map((l) => ({ value: l.id, label: `${l.name} (${brief(l)})` }))}
        onChange={setLimitId}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          autofocus
          label="Amount"
          hint={`The tier’s: ${quantity(limit.amount, limit.measure)}.`}
          error={faults?.fields.amount}
          look="number"
          value={amount}
          onChange={setAmount}
        />
        {limit.kind === "RATE" && (
          <TextField
            label="Burst"
            hint={
              limit.burst === limit.amount
                ? "Empty for as many."
                : `Empty for the tier’s: ${text(limit.burst ?? limit.amount)}.`
            }
            error={faults?.fields.burst}
            look="number"
            value={burst}
            onChange={setBurst}
          />
        )}
        <SelectField
          label="Mode"
          error={faults?.fields.mode}
          value={mode}
          choices={[
            { value: "", label: "As on the tier" },
            { value: "ENFORCE", label: "Enforce" },
            { value: "SOFT", label: "Soft" },
            { value: "SHADOW", label: "Shadow" },
          ]}
          onChange={(value) => setMode(value as Mode | "")}
        />
        <TextField
          label="Until"
          hint="In your time zone; empty for good."
          error={faults?.fields.until}
          type="datetime-local"
          value={until}
          onChange={setUntil}
        />
      </div>
      <TextField
        label="Note"
        hint="Why, for whoever reads it later."
        error={faults?.fields.note}
        maxLength={500}
        value={note}
        onChange={setNote}
      />
      <p className="text-muted">
        {units === null
          ? "Reaches every Envoy in about a second; what was used stays used."
          : `${accountName} gets ${quantity(units, limit.measure)} instead of ${quantity(limit.amount, limit.measure)}, in about a second, ${end === null ? "for good" : `until ${moment(Date.parse(end)).slice(0, 16)}`}. What was used stays used.`}
      </p>
    </FormDialog>
  );
}
