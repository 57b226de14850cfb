import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useUnsaved } from "~/app/leaving";
import { AppLink, useHref } from "~/app/location";
import { paths } from "~/app/paths";
import { LimitFields } from "~/limit/fields";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { PageHead, Panel } from "~/ui/Panel";
import { Notice } from "~/ui/states";
import type { EditedTier } from "./TierEdit";
import { useDeeds } from "./tier-deeds";
import { DeleteTier } from "./tier-delete";
import { blank, type Catalog, draftOf, inputOf, isChanged, type TierDraft } from "./tier-form";
import { isLimitField } from "./tier-limit-row";
import { LimitRows } from "./tier-limits";
import { TierPreview } from "./tier-preview";
import { type Change, RolloutProgress } from "./tier-rollout";
import { SavePlan } from "./tier-save-plan";
import { validate } from "./tier-validate";

const CreateTier = graphql(`
  mutation CreateTier($input: CreateTierInput!) {
    createTier(input: $input) {
      snapshot
      tier {
        id
      }
    }
  }
`);

const UpdateTier = graphql(
  `
  mutation UpdateTier($input: UpdateTierInput!) {
    updateTier(input: $input) {
      snapshot
      tier {
        id
        name
        revision
        accountCount
        limits {
          ...LimitFields
        }
      }
    }
  }
`,
  [LimitFields],
);

const noFaults: Faults = { fields: {}, general: [], conflict: false };
const isShown = (field: string) => field === "name" || field === "limits" || isLimitField(field);

export type TierRole = "default" | "anonymous" | null;
const roleWords = { default: "Default tier", anonymous: "For anonymous callers" };

export function TierEditor({
  latest,
  catalog,
  role,
  reload,
}: {
  /** As it is on the server; null for a new tier. */
  latest: EditedTier | null;
  catalog: Catalog;
  /** What it is for those that have no tier of their own. */
  role: TierRole;
  reload: () => void;
}) {
  // What the edit is based on stays, when somebody else saves in the meantime.
  const [base, setBase] = useState(latest);
  const [draft, setDraft] = useState<TierDraft>(() => draftOf(latest ?? blank));
  const [checked, setChecked] = useState(false);
  const [faults, setFaults] = useState<Faults>(noFaults);
  const [change, setChange] = useState<Change | null>(null);
  const [{ fetching: creating }, create] = useMutation(CreateTier);
  const [{ fetching: updating }, update] = useMutation(UpdateTier);
  const [, navigate] = useLocation();
  const href = useHref();
  const deeds = useDeeds(base?.id ?? null);
  const dirty = isChanged(draft, base);
  const letGo = useUnsaved(dirty);
  const problems = validate(draft);
  const problemAt = (path: string) => faults.fields[path] ?? (checked ? problems[path] : undefined);

  const start = (tier: EditedTier | null) => {
    setBase(tier);
    setDraft(draftOf(tier ?? blank));
    setFaults(noFaults);
    setChecked(false);
  };
  const edit = (next: TierDraft, touched: string) => {
    setDraft(next);
    setChange(null);
    setFaults((old) => ({ ...old, fields: without(old.fields, touched) }));
  };
  const save = async (overwrite: boolean) => {
    setChecked(true);
    if (Object.keys(problems).length > 0) return focusFirstProblem();
    const sentMS = performance.now();
    const input = inputOf(draft);
    if (base === null) {
      const { data, error } = await create({ input });
      if (error) return setFaults(faultsOf(error, isShown));
      letGo();
      if (data) navigate(href(paths.tier(data.createTier.tier.id)), { replace: true });
      return;
    }
    const revision = overwrite ? null : base.revision;
    const { data, error } = await update({
      input: { ...input, id: base.id, ...(revision !== null && { revision }) },
    });
    if (error) {
      setFaults(faultsOf(error, isShown));
      return focusFirstProblem();
    }
    if (!data) return;
    start(data.updateTier.tier);
    setChange({ snapshot: data.updateTier.snapshot, sentMS });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save(false);
  };

  return (
    <>
      <PageHead
        trail={
          <AppLink to={paths.tiers} className="hover:text-accent hover:underline">
            Tiers
          </AppLink>
        }
        title={
          <>
            {base?.name ?? "New tier"}
            {role && <Badge>{roleWords[role]}</Badge>}
          </>
        }
        actions={base && <DeleteTier tier={base} role={role} letGo={letGo} />}
      />
      {change && <RolloutProgress change={change} />}
      {faults.conflict && base !== null && (
        <Conflict
          stale={latest?.revision === base.revision}
          busy={updating}
          onLook={reload}
          onReload={() => start(latest)}
          onOverwrite={() => save(true)}
        />
      )}
      {!(faults.conflict && base !== null) &&
        faults.general.map((message) => (
          <Notice key={message} kind="error">
            {message}
          </Notice>
        ))}
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <Panel title="Tier">
          <Field
            label="Name"
            hint="Unique, up to 64 characters."
            error={problemAt("name")}
            className="px-4 pb-4 sm:max-w-sm"
          >
            {(field) => (
              <input
                {...field}
                className="control w-full"
                autoComplete="off"
                value={draft.name}
                onChange={(e) => edit({ ...draft, name: e.target.value }, "name")}
              />
            )}
          </Field>
        </Panel>
        <LimitRows
          limits={draft.limits}
          catalog={catalog}
          deeds={deeds}
          problemAt={problemAt}
          onChange={(limits, touched) => edit({ ...draft, limits }, touched)}
        />
        <SavePlan
          draft={draft}
          base={base}
          dirty={dirty}
          invalid={checked && Object.keys(problems).length > 0}
          actions={
            <>
              {dirty && base && <Button onClick={() => start(base)}>Undo changes</Button>}
              <Button
                type="submit"
                kind="primary"
                busy={creating || updating}
                disabled={!dirty && base !== null}
              >
                {base ? "Save changes" : "Create tier"}
              </Button>
            </>
          }
        />
      </form>
      {base && role !== "anonymous" && (
        <TierPreview tierId={base.id} draft={draft} invalid={Object.keys(problems).length > 0} />
      )}
    </>
  );
}

/** Without what was said of a field, or, for a list, of everything in it. */
function without(fields: Record<string, string>, touched: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter(([at]) => at !== touched && !at.startsWith(`${touched}.`)),
  );
}

function focusFirstProblem() {
  requestAnimationFrame(() =>
    document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus(),
  );
}

function Conflict({
  stale,
  busy,
  onLook,
  onReload,
  onOverwrite,
}: {
  /** Their version has not been loaded yet. */
  stale: boolean;
  busy: boolean;
  onLook: () => void;
  onReload: () => void;
  onOverwrite: () => void;
}) {
  return (
    <Notice kind="warning">
      <div className="grow">
        <p className="font-medium">Somebody else changed this tier since you opened it.</p>
        <p className="text-muted">Nothing was saved. What you typed is still here.</p>
      </div>
      {stale ? (
        <Button onClick={onLook}>Load their version</Button>
      ) : (
        <Button onClick={onReload}>Show theirs, drop mine</Button>
      )}
      <Button busy={busy} onClick={onOverwrite}>
        Save mine over it
      </Button>
    </Notice>
  );
}
