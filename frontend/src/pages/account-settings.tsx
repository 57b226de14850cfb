import { useMemo, useState } from "react";
import { useMutation } from "urql";
import type { Faults } from "~/api/errors";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { Field } from "~/ui/Field";
import { FormDialog } from "~/ui/FormDialog";
import { TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";

export const UpdateAccount = graphql(`
  mutation UpdateAccount($input: UpdateAccountInput!) {
    updateAccount(input: $input) {
      snapshot
      account {
        id
        name
        status
        labels {
          key
          value
        }
        trial {
          endsAt
          then
        }
        closedAt
        onDefaultTier
        timeZone
        billingDay
        revision
        tier {
          id
          name
        }
      }
    }
  }
`);

const fields = ["name", "timeZone", "billingDay", "labels"];

/** Labels as lines of text, key=value. */
const linesOf = (labels: AccountDetails["labels"]) =>
  labels.map(({ key, value }) => (value ? `${key}=${value}` : key)).join("\n");

const labelsOf = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [key = "", ...rest] = line.split("=");
      return { key: key.trim(), value: rest.join("=").trim() };
    });

/** The account's name, and what its calendar periods are reckoned by. */
export function SettingsDialog({
  account: now,
  onClose,
}: {
  account: AccountDetails;
  onClose: () => void;
}) {
  const [, update] = useMutation(UpdateAccount);
  const { submit, forget, busy, faults } = useSubmit(fields);
  // As it was when the form began: it is read again all the time.
  const [account] = useState(now);
  const [name, setName] = useState(account.name);
  const [timeZone, setTimeZone] = useState(account.timeZone);
  const [billingDay, setBillingDay] = useState(String(account.billingDay));
  const [labels, setLabels] = useState(linesOf(account.labels));
  const say = useToast();
  const save = async (revision: number | null = account.revision) => {
    const saved = await submit(
      update({
        input: {
          id: account.id,
          ...basedOn(revision),
          ...(name.trim() !== account.name && { name: name.trim() }),
          ...(timeZone.trim() !== account.timeZone && { timeZone: timeZone.trim() }),
          ...(billingDay !== String(account.billingDay) && { billingDay: Number(billingDay) }),
          ...(labels !== linesOf(account.labels) && { labels: labelsOf(labels) }),
        },
      }),
    );
    if (!saved) return;
    say(`${name.trim()} is saved`);
    onClose();
  };
  return (
    <UnlessStale
      what={account.name}
      faults={faults}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={`Settings of ${account.name}`}
        submit="Save"
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
        onClose={onClose}
      >
        <TextField
          autofocus
          required
          label="Name"
          error={faults?.fields.name}
          maxLength={128}
          value={name}
          onChange={setName}
        />
        <PeriodFields
          timeZone={timeZone}
          billingDay={billingDay}
          faults={faults}
          onTimeZone={setTimeZone}
          onBillingDay={setBillingDay}
        />
        <Field
          label="Labels"
          hint="A line each, such as region=eu; at most 32."
          error={faults?.fields.labels}
        >
          {(wiring) => (
            <textarea
              {...wiring}
              rows={3}
              spellCheck={false}
              className="control h-auto w-full py-1 font-mono text-small"
              value={labels}
              onChange={(e) => setLabels(e.target.value)}
            />
          )}
        </Field>
        <p className="text-muted">
          A period that runs keeps its boundaries to its end; the next one follows the new ones.
        </p>
      </FormDialog>
    </UnlessStale>
  );
}

/** Time zone and billing day, which say where an account's periods begin. */
export function PeriodFields({
  timeZone,
  billingDay,
  faults,
  onTimeZone,
  onBillingDay,
}: {
  timeZone: string;
  billingDay: string;
  faults: Faults | null;
  onTimeZone: (timeZone: string) => void;
  onBillingDay: (day: string) => void;
}) {
  const zones = useMemo(() => ["UTC", ...Intl.supportedValuesOf("timeZone")], []);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_7rem] items-start gap-3">
      <Field
        label="Time zone"
        hint="Its hours, days and months are reckoned in it."
        error={faults?.fields.timeZone}
      >
        {(wiring) => (
          <>
            <input
              {...wiring}
              required
              list={`${wiring.id}-zones`}
              autoComplete="off"
              spellCheck={false}
              className="control w-full"
              value={timeZone}
              onChange={(e) => onTimeZone(e.target.value)}
            />
            <datalist id={`${wiring.id}-zones`}>
              {zones.map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Field label="Billing day" hint="1 to 31." error={faults?.fields.billingDay}>
        {(wiring) => (
          <input
            {...wiring}
            type="number"
            required
            min={1}
            max={31}
            className="control w-full"
            value={billingDay}
            onChange={(e) => onBillingDay(e.target.value)}
          />
        )}
      </Field>
    </div>
  );
}
