import { useState } from "react";
import { useMutation } from "urql";
import { graphql, type ResultOf } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { CheckField, TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import { EndpointChanges } from "./endpoint-changes";

const ImportOpenApi = graphql(`
  mutation ImportOpenApi($input: ImportOpenApiInput!) {
    importOpenApi(input: $input) {
      source
      title
      version
      basePath
      basePaths
      plan
      changes {
        kind
        line
        method
        template
        cost
        group
        before {
          template
          cost
          group
        }
        note
        deleted
        usedBy {
          kind
          id
          name
        }
        recentRequests
      }
    }
  }
`);

const fields = ["document", "source", "basePath", "groupByTag", "plan"];
const additionalTypenames = ["Endpoint", "EndpointGroup", "EndpointSource"];
const mostBytes = 5 * 1024 * 1024;

export type Planned = ResultOf<typeof ImportOpenApi>["importOpenApi"];

/** Imports the endpoints of an OpenAPI document, after showing what that does. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [, send] = useMutation(ImportOpenApi);
  const { submit, refuse, busy, faults } = useSubmit(fields);
  const [text, setText] = useState("");
  const [source, setSource] = useState("");
  const [basePath, setBasePath] = useState<string | null>(null);
  const [groupByTag, setGroupByTag] = useState(false);
  const [deleteMissing, setDeleteMissing] = useState(false);
  const [planned, setPlanned] = useState<Planned | null>(null);
  const say = useToast();

  /** What was planned isn't what would be done once something is changed. */
  const change =
    <V,>(set: (value: V) => void) =>
    (value: V) => {
      set(value);
      setPlanned(null);
    };
  const importing = async (more: { dryRun: boolean; plan?: string }) =>
    await submit(
      send(
        {
          input: {
            document: text,
            groupByTag,
            missing: deleteMissing ? "DELETE" : "KEEP",
            ...(source.trim() === "" ? {} : { source: source.trim() }),
            ...(basePath === null ? {} : { basePath }),
            ...more,
          },
        },
        more.dryRun ? {} : { additionalTypenames },
      ),
    );
  const next = async () => {
    if (planned === null) {
      const answer = await importing({ dryRun: true });
      if (answer) setPlanned(answer.importOpenApi);
      return;
    }
    const answer = await importing({ dryRun: false, plan: planned.plan });
    if (!answer) return;
    const { title, version } = answer.importOpenApi;
    say(`The endpoints are those of ${title} ${version}`);
    onClose();
  };
  const choose = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > mostBytes) return refuse("document", "A document has at most 5 MB.");
    change(setText)(await file.text());
  };
  const does = planned?.changes.filter((c) => isDone(c)).length ?? 0;
  return (
    <FormDialog
      wide
      title="Import an OpenAPI document"
      submit={
        planned === null
          ? "Show what changes"
          : does === 0
            ? "Import"
            : `Apply ${plural(does, "change")}`
      }
      busy={busy}
      disabled={text.trim() === ""}
      errors={[...(faults?.general ?? []), ...(faults?.fields.plan ? [faults.fields.plan] : [])]}
      onSubmit={next}
      onClose={onClose}
    >
      <Field
        label="Document"
        hint="OpenAPI 3.0 or 3.1, as JSON or YAML, up to 5 MB. Nothing outside of it is read."
        error={faults?.fields.document}
      >
        {(wiring) => (
          <textarea
            {...wiring}
            data-autofocus
            rows={planned === null ? 10 : 3}
            spellCheck={false}
            className="control h-auto w-full py-2 font-mono text-small"
            placeholder="openapi: 3.1.0"
            value={text}
            onChange={(e) => change(setText)(e.target.value)}
          />
        )}
      </Field>
      <div>
        <label className="inline-flex flex-wrap items-center gap-2 text-small text-muted">
          Or a file
          <input
            type="file"
            accept=".json,.yaml,.yml,application/json,application/yaml"
            className="text-small"
            onChange={(e) => choose(e.target.files?.[0])}
          />
        </label>
      </div>
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <TextField
          label="Source"
          hint="What its endpoints are remembered by; the document’s title unless you say otherwise."
          error={faults?.fields.source}
          maxLength={64}
          placeholder={planned?.source}
          value={source}
          onChange={change(setSource)}
        />
        <TextField
          label="Base path"
          hint={
            planned && planned.basePaths.length > 1
              ? `Its servers have ${planned.basePaths.map((p) => p || "no path").join(", ")}.`
              : "Comes before each path; that of the document’s first server unless you say otherwise."
          }
          error={faults?.fields.basePath}
          look="code"
          placeholder={planned?.basePath || "/v1"}
          value={basePath ?? ""}
          onChange={(path) => change(setBasePath)(path === "" ? null : path)}
        />
      </div>
      <CheckField
        label="Groups by tag"
        note="Endpoints that are in no group join one called as their first tag."
        checked={groupByTag}
        onChange={change(setGroupByTag)}
      />
      <CheckField
        label="Delete what the document has no more"
        note="Only endpoints that came from this source, and that no limit, key or meter names. Their usage stays."
        checked={deleteMissing}
        onChange={change(setDeleteMissing)}
      />
      {planned && <EndpointChanges planned={planned} />}
    </FormDialog>
  );
}

const isDone = (c: Planned["changes"][number]) =>
  c.deleted || c.kind === "ADDED" || c.kind === "CHANGED";

/** The button that opens it. */
export function ImportButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Import OpenAPI</Button>
      {open && <ImportDialog onClose={() => setOpen(false)} />}
    </>
  );
}
