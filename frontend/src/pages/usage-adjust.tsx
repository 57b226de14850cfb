import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { Permitted } from "~/app/Permitted";
import { adjustmentWords, amountOf, isComplete, newClientId } from "~/explore/correct";
import { Button } from "~/ui/Button";
import { FormDialog } from "~/ui/FormDialog";
import { inputMoment, isoOfInput } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { Notice } from "~/ui/states";
import { useToast } from "~/ui/Toast";

const AdjustUsage = graphql(`
  mutation AdjustUsage($input: AdjustUsageInput!) {
    adjustUsage(input: $input) {
      correction {
        id
      }
    }
  }
`);

const CatalogQuery = graphql(`
  query AdjustableCatalog {
    endpoints(first: 1000) {
      nodes {
        id
        method
        template
      }
    }
    meters(first: 1000) {
      nodes {
        id
        name
        unit
      }
    }
  }
`);

/** What shows usage, and is asked for again once past usage has changed. */
export const changedByCorrections = [
  "CorrectionConnection",
  "UsageReport",
  "UsageSeries",
  "Reconciliation",
];

const counts = [
  { field: "requests", label: "Requests" },
  { field: "cost", label: "Cost units" },
  { field: "bytesIn", label: "Bytes in" },
  { field: "bytesOut", label: "Bytes out" },
] as const;
type Count = (typeof counts)[number]["field"];
const noCounts: Record<Count, string> = { requests: "", cost: "", bytesIn: "", bytesOut: "" };

const fields = [...counts.map((c) => c.field), "meterId", "amount", "endpointId", "at", "reason"];

/** A button that opens the dialog to adjust an account's past usage. */
export function AdjustUsageButton({ account }: { account: { id: string; name: string } }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Permitted needs="USAGE_CORRECT">
        <Button onClick={() => setOpen(true)}>Adjust usage</Button>
      </Permitted>
      {open && <AdjustDialog account={account} onClose={() => setOpen(false)} />}
    </>
  );
}

function AdjustDialog({
  account,
  onClose,
}: {
  account: { id: string; name: string };
  onClose: () => void;
}) {
  const [, adjust] = useMutation(AdjustUsage);
  const [{ data }] = useQuery({ query: CatalogQuery });
  const { submit, busy, faults } = useSubmit(fields);
  // One id for the dialog: sent twice, it is still one correction.
  const [clientId] = useState(newClientId);
  const [direction, setDirection] = useState("take");
  const [typed, setTyped] = useState(noCounts);
  const [meterId, setMeterId] = useState("");
  const [amount, setAmount] = useState("");
  const [at, setAt] = useState(() => inputMoment(Date.now()));
  const [endpointId, setEndpointId] = useState("");
  const [reason, setReason] = useState("");
  const say = useToast();
  const iso = isoOfInput(at);
  const meter = data?.meters.nodes.find((m) => m.id === meterId);
  const adjustment = {
    account: account.name,
    takes: direction === "take",
    requests: amountOf(typed.requests),
    cost: amountOf(typed.cost),
    bytesIn: amountOf(typed.bytesIn),
    bytesOut: amountOf(typed.bytesOut),
    metered: meter ? { meter: meter.name, unit: meter.unit, amount: amountOf(amount) } : null,
    atMS: iso === null ? null : Date.parse(iso),
  };
  const save = async () => {
    if (iso === null) return;
    const sign = adjustment.takes ? -1 : 1;
    const saved = await submit(
      adjust(
        {
          input: {
            clientId,
            accountId: account.id,
            at: iso,
            requests: sign * (adjustment.requests ?? 0),
            cost: sign * (adjustment.cost ?? 0),
            bytesIn: sign * (adjustment.bytesIn ?? 0),
            bytesOut: sign * (adjustment.bytesOut ?? 0),
            ...(adjustment.metered?.amount && {
              meterId,
              amount: sign * adjustment.metered.amount,
            }),
            reason: reason.trim(),
            ...(endpointId !== "" && { endpointId }),
          },
        },
        { additionalTypenames: changedByCorrections },
      ),
    );
    if (!saved) return;
    say(`The usage of ${account.name} is adjusted`);
    onClose();
  };
  return (
    <FormDialog
      title={`Adjust the usage of ${account.name}`}
      submit="Adjust usage"
      busy={busy}
      disabled={!isComplete(adjustment) || reason.trim() === ""}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <SelectField
        autofocus
        label="What to do"
        value={direction}
        choices={[
          { value: "take", label: "Take away" },
          { value: "add", label: "Add" },
        ]}
        onChange={setDirection}
      />
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {counts.map(({ field, label }) => (
          <TextField
            key={field}
            label={label}
            look="number"
            placeholder="0"
            error={faults?.fields[field]}
            value={typed[field]}
            onChange={(value) => setTyped({ ...typed, [field]: value })}
          />
        ))}
      </div>
      {data && data.meters.nodes.length > 0 && (
        <div className="grid gap-3 sm:grid-cols-2">
          <SelectField
            label="Custom meter"
            error={faults?.fields.meterId}
            value={meterId}
            choices={[
              { value: "", label: "None" },
              ...data.meters.nodes.map((m) => ({ value: m.id, label: m.name })),
            ]}
            onChange={setMeterId}
          />
          {meter && (
            <TextField
              label={`Amount in ${meter.unit}`}
              look="number"
              placeholder="0"
              error={faults?.fields.amount}
              value={amount}
              onChange={setAmount}
            />
          )}
        </div>
      )}
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          required
          label="Minute"
          hint="In your time zone; it counts in this period."
          type="datetime-local"
          error={faults?.fields.at}
          value={at}
          onChange={setAt}
        />
        <SelectField
          label="Endpoint"
          error={faults?.fields.endpointId}
          value={endpointId}
          choices={[
            { value: "", label: "None" },
            ...(data?.endpoints.nodes ?? []).map((e) => ({
              value: e.id,
              label: `${e.method} ${e.template}`,
            })),
          ]}
          onChange={setEndpointId}
        />
      </div>
      <TextField
        required
        label="Reason"
        hint="Why, for whoever reads the books later."
        error={faults?.fields.reason}
        maxLength={500}
        value={reason}
        onChange={setReason}
      />
      <Notice kind="info">
        <span>
          {adjustmentWords(adjustment)} What Envoys sent stays as it is; this stands beside it, with
          your name, and can be voided.
        </span>
      </Notice>
    </FormDialog>
  );
}
