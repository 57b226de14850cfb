import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import { nameOf, type Suggestion } from "./endpoint-suggestions";
import { wholeNumber } from "./tier-numbers";

const CreateEndpoints = graphql(`
  mutation CreateEndpoints($input: CreateEndpointsInput!) {
    createEndpoints(input: $input) {
      endpoints {
        id
      }
    }
  }
`);

const additionalTypenames = ["Endpoint", "SuggestedEndpoint"];

/** Makes endpoints of suggestions, all at once, after a look at their templates. */
export function SuggestionsDialog({
  suggestions,
  onDone,
  onClose,
}: {
  suggestions: Suggestion[];
  /** They are made. */
  onDone: () => void;
  onClose: () => void;
}) {
  const [chosen] = useState(suggestions);
  const [, send] = useMutation(CreateEndpoints);
  const { submit, refuse, busy, faults } = useSubmit(
    chosen.flatMap((_, i) => ["method", "template", "cost"].map((f) => `endpoints.${i}.${f}`)),
  );
  const [drafts, setDrafts] = useState(chosen.map((s) => ({ template: s.template, cost: "1" })));
  const say = useToast();
  const set = (at: number, change: Partial<(typeof drafts)[number]>) =>
    setDrafts(drafts.map((d, i) => (i === at ? { ...d, ...change } : d)));
  const create = async () => {
    const endpoints = [];
    for (const [i, s] of chosen.entries()) {
      const cost = wholeNumber(drafts[i]?.cost ?? "");
      if (cost === null)
        return refuse(`endpoints.${i}.cost`, "A whole number from 1 to 1,000,000.");
      endpoints.push({ method: s.method, template: (drafts[i]?.template ?? "").trim(), cost });
    }
    if (!(await submit(send({ input: { endpoints } }, { additionalTypenames })))) return;
    const made = plural(endpoints.length, "endpoint");
    say(`${made} ${endpoints.length === 1 ? "is" : "are"} counted from now on`);
    onDone();
    onClose();
  };
  return (
    <FormDialog
      wide
      title="Create endpoints from traffic"
      submit={`Create ${plural(chosen.length, "endpoint")}`}
      busy={busy}
      errors={faults?.general}
      onSubmit={create}
      onClose={onClose}
    >
      <p className="text-muted">All are made at once. A {"{name}"} stands for any one segment.</p>
      <ul className="flex max-h-96 flex-col gap-3 overflow-y-auto p-1">
        {chosen.map((s, i) => (
          <li
            key={nameOf(s)}
            className="grid grid-cols-[minmax(0,1fr)_5rem] items-start gap-3 border-line not-first:border-t not-first:pt-3"
          >
            <TextField
              required
              autofocus={i === 0}
              look="code"
              maxLength={512}
              label={`${s.method} template`}
              hint={
                <span className="font-mono break-all">{s.examples.slice(0, 2).join(", ")}</span>
              }
              error={
                faults?.fields[`endpoints.${i}.template`] ?? faults?.fields[`endpoints.${i}.method`]
              }
              value={drafts[i]?.template ?? ""}
              onChange={(template) => set(i, { template })}
            />
            <TextField
              required
              look="number"
              label="Cost"
              error={faults?.fields[`endpoints.${i}.cost`]}
              value={drafts[i]?.cost ?? ""}
              onChange={(cost) => set(i, { cost })}
            />
          </li>
        ))}
      </ul>
    </FormDialog>
  );
}
