import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { FormDialog } from "~/ui/FormDialog";
import { SelectField, TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import { ManagedNotice } from "./managed";
import { wholeNumber } from "./tier-numbers";

const CreateEndpoint = graphql(`
  mutation CreateEndpoint($input: CreateEndpointInput!) {
    createEndpoint(input: $input) {
      endpoint {
        id
      }
    }
  }
`);

const UpdateEndpoint = graphql(`
  mutation UpdateEndpoint($input: UpdateEndpointInput!) {
    updateEndpoint(input: $input) {
      endpoint {
        id
        cost
        revision
        group {
          id
          name
        }
      }
    }
  }
`);

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"];
const fields = ["method", "template", "cost", "groupId"];
const additionalTypenames = ["Endpoint", "EndpointGroup"];

export type EditedEndpoint = {
  id: string;
  method: string;
  template: string;
  cost: number;
  group: { id: string } | null;
  revision: number;
};

/** Creates an endpoint (`endpoint` is null), or changes one's cost and group. */
export function EndpointDialog({
  endpoint: now,
  groups,
  onClose,
}: {
  endpoint: EditedEndpoint | null;
  groups: Array<{ id: string; name: string }>;
  onClose: () => void;
}) {
  const [, create] = useMutation(CreateEndpoint);
  const [, update] = useMutation(UpdateEndpoint);
  const { submit, refuse, forget, busy, faults } = useSubmit(fields);
  // As it was when the form began: the page reads it again.
  const [endpoint] = useState(now);
  const [method, setMethod] = useState(endpoint?.method ?? "GET");
  const [template, setTemplate] = useState(endpoint?.template ?? "/");
  const [cost, setCost] = useState(String(endpoint?.cost ?? 1));
  const [groupId, setGroupId] = useState(endpoint?.group?.id ?? "");
  const say = useToast();
  const save = async (revision: number | null = endpoint?.revision ?? null) => {
    const units = wholeNumber(cost);
    if (units === null) return refuse("cost", "A whole number from 1 to 1,000,000.");
    const group = groupId === "" ? {} : { groupId };
    const saved =
      endpoint === null
        ? await submit(
            create(
              { input: { method, template: template.trim(), cost: units, ...group } },
              { additionalTypenames },
            ),
          )
        : await submit(
            update(
              {
                input: {
                  id: endpoint.id,
                  ...basedOn(revision),
                  ...(units !== endpoint.cost && { cost: units }),
                  ...(groupId !== (endpoint.group?.id ?? "") &&
                    (groupId === "" ? { ungroup: true } : group)),
                },
              },
              { additionalTypenames },
            ),
          );
    if (!saved) return;
    say(
      endpoint ? `${method} ${template} is saved` : `${method} ${template} is counted from now on`,
    );
    onClose();
  };
  return (
    <UnlessStale
      what={`${method} ${template}`}
      faults={faults}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={endpoint ? `${endpoint.method} ${endpoint.template}` : "New endpoint"}
        submit={endpoint ? "Save endpoint" : "Create endpoint"}
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
        onClose={onClose}
      >
        {endpoint && <ManagedNotice id={endpoint.id} what="This endpoint" />}
        {endpoint === null && (
          <div className="grid grid-cols-[7rem_minmax(0,1fr)] items-start gap-3">
            <SelectField
              label="Method"
              error={faults?.fields.method}
              value={method}
              choices={methods.map((m) => ({ value: m, label: m === "*" ? "any" : m }))}
              onChange={setMethod}
            />
            <TextField
              autofocus
              required
              label="Path template"
              hint="{name} stands for any one segment."
              error={faults?.fields.template}
              look="code"
              maxLength={512}
              placeholder="/v1/users/{id}"
              value={template}
              onChange={setTemplate}
            />
          </div>
        )}
        <div className="grid grid-cols-[7rem_minmax(0,1fr)] items-start gap-3">
          <TextField
            autofocus={endpoint !== null}
            required
            label="Cost"
            hint="Units a request."
            error={faults?.fields.cost}
            look="number"
            value={cost}
            onChange={setCost}
          />
          <SelectField
            label="Group"
            hint={groups.length === 0 ? "There is no group yet." : "One limit can count a group."}
            error={faults?.fields.groupId}
            value={groupId}
            choices={[
              { value: "", label: "None" },
              ...groups.map((g) => ({ value: g.id, label: g.name })),
            ]}
            onChange={setGroupId}
          />
        </div>
      </FormDialog>
    </UnlessStale>
  );
}
