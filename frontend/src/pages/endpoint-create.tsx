import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { Button } from "~/ui/Button";
import { Dialog, DialogActions } from "~/ui/Dialog";
import { Field } from "~/ui/Field";
import { useToast } from "~/ui/Toast";

const CreateEndpoint = graphql(`
  mutation CreateEndpoint($input: CreateEndpointInput!) {
    createEndpoint(input: $input) {
      endpoint {
        id
      }
    }
  }
`);

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"];
const fields = ["method", "template", "cost"];

export function CreateEndpointDialog({ onClose }: { onClose: () => void }) {
  const [{ fetching }, create] = useMutation(CreateEndpoint);
  const [method, setMethod] = useState("GET");
  const [template, setTemplate] = useState("/");
  const [cost, setCost] = useState("1");
  const [faults, setFaults] = useState<Faults | null>(null);
  const say = useToast();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { error } = await create(
      { input: { method, template: template.trim(), cost: Number(cost) } },
      { additionalTypenames: ["Endpoint"] },
    );
    if (error) return setFaults(faultsOf(error, (f) => fields.includes(f)));
    say(`${method} ${template} is counted from now on`);
    onClose();
  };
  return (
    <Dialog title="New endpoint" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <div className="grid grid-cols-[7rem_minmax(0,1fr)] items-start gap-3">
          <Field label="Method" error={faults?.fields.method}>
            {(field) => (
              <select
                {...field}
                className="control w-full"
                value={method}
                onChange={(e) => setMethod(e.target.value)}
              >
                {methods.map((m) => (
                  <option key={m} value={m}>
                    {m === "*" ? "any" : m}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field
            label="Path template"
            hint="{name} stands for any one segment."
            error={faults?.fields.template}
          >
            {(field) => (
              <input
                {...field}
                data-autofocus
                required
                maxLength={512}
                placeholder="/v1/users/{id}"
                autoComplete="off"
                spellCheck={false}
                className="control w-full font-mono text-small"
                value={template}
                onChange={(e) => setTemplate(e.target.value)}
              />
            )}
          </Field>
        </div>
        <Field
          label="Cost"
          hint="Cost units of one request, 1 to 1,000,000."
          error={faults?.fields.cost}
          className="w-40"
        >
          {(field) => (
            <input
              {...field}
              type="number"
              required
              min={1}
              max={1_000_000}
              className="control w-full"
              value={cost}
              onChange={(e) => setCost(e.target.value)}
            />
          )}
        </Field>
        {faults?.general.map((message) => (
          <p key={message} role="alert" className="text-error">
            {message}
          </p>
        ))}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={fetching}>
            Create endpoint
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
