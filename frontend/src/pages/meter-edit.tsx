import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { FormDialog } from "~/ui/FormDialog";
import { CheckField, SelectField, TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { ManagedNotice } from "./managed";
import type { Change } from "./tier-rollout";

const CreateMeter = graphql(`
  mutation CreateMeter($input: CreateMeterInput!) {
    createMeter(input: $input) {
      snapshot
      meter {
        id
      }
    }
  }
`);

const UpdateMeter = graphql(`
  mutation UpdateMeter($input: UpdateMeterInput!) {
    updateMeter(input: $input) {
      snapshot
      meter {
        id
      }
    }
  }
`);

export type EditedMeter = {
  id: string;
  name: string;
  unit: string;
  header: string;
  hidden: boolean;
  endpoint: { id: string } | null;
  revision: number;
};

const fields = ["name", "unit", "header", "endpointId", "hidden"];
const additionalTypenames = ["Meter"];

/** Creates a custom meter (`meter` is null), or changes one. */
export function MeterDialog({
  meter: now,
  endpoints,
  onSaved,
  onClose,
}: {
  meter: EditedMeter | null;
  endpoints: Array<{ id: string; method: string; template: string }>;
  onSaved: (change: Change) => void;
  onClose: () => void;
}) {
  const [, create] = useMutation(CreateMeter);
  const [, update] = useMutation(UpdateMeter);
  const { submit, forget, busy, faults } = useSubmit(fields);
  // As it was when the form began: the page reads it again.
  const [meter] = useState(now);
  const [name, setName] = useState(meter?.name ?? "");
  const [unit, setUnit] = useState(meter?.unit ?? "");
  const [header, setHeader] = useState(meter?.header ?? "");
  const [endpointId, setEndpointId] = useState(meter?.endpoint?.id ?? "");
  const [hidden, setHidden] = useState(meter?.hidden ?? false);
  const save = async (revision: number | null = meter?.revision ?? null) => {
    const sentMS = performance.now();
    const input = {
      name: name.trim(),
      unit: unit.trim(),
      header: header.trim().toLowerCase(),
      hidden,
    };
    const snapshot = meter
      ? (
          await submit(
            update(
              {
                input: {
                  id: meter.id,
                  ...basedOn(revision),
                  ...(input.name !== meter.name && { name: input.name }),
                  ...(input.unit !== meter.unit && { unit: input.unit }),
                  ...(input.header !== meter.header && { header: input.header }),
                  ...(hidden !== meter.hidden && { hidden }),
                  ...(endpointId !== (meter.endpoint?.id ?? "") &&
                    (endpointId === "" ? { allEndpoints: true } : { endpointId })),
                },
              },
              { additionalTypenames },
            ),
          )
        )?.updateMeter.snapshot
      : (
          await submit(
            create(
              { input: { ...input, ...(endpointId !== "" && { endpointId }) } },
              { additionalTypenames },
            ),
          )
        )?.createMeter.snapshot;
    if (snapshot === undefined) return;
    onSaved({ snapshot, sentMS });
    onClose();
  };
  return (
    <UnlessStale
      what={name}
      faults={faults}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={meter ? meter.name : "New meter"}
        submit={meter ? "Save meter" : "Create meter"}
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
        onClose={onClose}
      >
        {meter && <ManagedNotice id={meter.id} what="This meter" />}
        <p className="text-muted">
          {meter
            ? "What it counted before stays as it is. The change holds from the next response, in about a second."
            : "Each response that declares an amount in the header is added up, from about a second after this on."}
        </p>
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            autofocus
            required
            label="Name"
            hint="Unique, such as “Tokens”."
            error={faults?.fields.name}
            maxLength={64}
            value={name}
            onChange={setName}
          />
          <TextField
            required
            label="Unit"
            hint="What amounts are of, such as “tokens”."
            error={faults?.fields.unit}
            maxLength={32}
            value={unit}
            onChange={setUnit}
          />
        </div>
        <TextField
          required
          label="Response header"
          hint="Of the upstream’s own, with a whole number, once a response."
          error={faults?.fields.header}
          look="code"
          maxLength={64}
          placeholder="x-tokens"
          value={header}
          onChange={setHeader}
        />
        <SelectField
          label="Endpoint"
          error={faults?.fields.endpointId}
          value={endpointId}
          choices={[
            { value: "", label: "All endpoints" },
            ...endpoints.map((e) => ({ value: e.id, label: `${e.method} ${e.template}` })),
          ]}
          onChange={setEndpointId}
        />
        <CheckField
          label="Hide the header"
          note="It is taken out of the responses that count, before the client sees them."
          checked={hidden}
          onChange={setHidden}
        />
      </FormDialog>
    </UnlessStale>
  );
}
