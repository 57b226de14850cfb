import { useState } from "react";
import { useMutation } from "urql";
import { graphql, type ResultOf } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { FormDialog } from "~/ui/FormDialog";
import { exact, plural } from "~/ui/format";
import { CheckField, TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import { EndpointChanges, isMade } from "./endpoint-changes";

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
  const [left, setLeft] = useState<ReadonlySet<string>>(noneLeft);
  const say = useToast();

  /** What was planned isn't what would be done once something is changed. */
  const change =
    <V,>(set: (value: V) => void) =>
    (value: V) => {
      set(value);
      setPlanned(null);
      setLeft(noneLeft);
    };
  const importing = async (more: { dryRun: boolean; plan?: string; except?: string[] }) =>
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
    const except = left.size === 0 ? {} : { except: [...left] };
    const answer = await importing({ dryRun: false, plan: planned.plan, ...except });
    if (!answer) return;
    const { title, version } = answer.importOpenApi;
    say(
      left.size === 0
        ? `The endpoints are those of ${title} ${version}`
        : `${makes - left.size} of ${plural(makes, "change")} of ${title} ${version} made`,
    );
    onClose();
  };
  const choose = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > mostBytes) return refuse("document", "A document has at most 5 MB.");
    change(setText)(await file.text());
  };
  const makes = planned?.changes.filter(isMade).length ?? 0;
  return (
    <FormDialog
      wide
      title="Import an OpenAPI document"
      submit={planned === null ? "Show what changes" : verb(makes, left.size)}
      busy={busy}
      disabled={text.trim() === "" || (makes > 0 && left.size === makes)}
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
      {planned && <EndpointChanges planned={planned} left={left} onLeave={setLeft} />}
    </FormDialog>
  );
}

const noneLeft: ReadonlySet<string> = new Set();

function verb(makes: number, left: number): string {
  if (makes === 0) return "Import";
  const all = plural(makes, "change");
  return left === 0 ? `Import ${all}` : `Import ${exact.format(makes - left)} of ${all}`;
}

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
