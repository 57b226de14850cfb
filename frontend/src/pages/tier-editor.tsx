import { type FormEvent, useEffect, useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { type Faults, faultsOf, noFaults, type Stale } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useUnsaved } from "~/app/leaving";
import { useHref } from "~/app/location";
import { paths } from "~/app/paths";
import { diffLimits, isDifferent } from "~/limit/diff";
import { Field } from "~/ui/Field";
import { Panel } from "~/ui/Panel";
import { Notice } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import { useDeeds } from "./tier-deeds";
import type { EditedTier } from "./tier-details";
import { DraftNotice } from "./tier-draft-notice";
import {
  blank,
  type Catalog,
  draftOf,
  inputOf,
  isChanged,
  namedLimits,
  type TierDraft,
} from "./tier-form";
import type { TierRole } from "./tier-head";
import { isLimitField } from "./tier-limit-row";
import { LimitRows } from "./tier-limits";
import { StartPilotDialog } from "./tier-pilot-start";
import { TierPreview } from "./tier-preview";
import { draftSources } from "./tier-preview-sources";
import { PublishDialog } from "./tier-publish";
import { UpdateTier } from "./tier-publish-mutations";
import { usePublishing } from "./tier-publishing";
import type { Change } from "./tier-rollout";
import { SavePlan } from "./tier-save-plan";
import { TierStaleDialog } from "./tier-stale";
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

const isShown = (field: string) => field === "name" || field === "limits" || isLimitField(field);

/** What a form begins with: the tier as it is, or with the limits of its draft. */
const beginning = (tier: EditedTier | null, continuing: boolean) =>
  tier?.draft && continuing ? { name: tier.name, limits: tier.draft.limits } : (tier ?? blank);

export function TierEditor({
  latest,
  catalog,
  role,
  reload,
  onChange,
}: {
  /** As it is on the server; null for a new tier. */
  latest: EditedTier | null;
  catalog: Catalog;
  role: TierRole;
  reload: () => void;
  /** A change is on its way to the Envoys; null once another one is being typed. */
  onChange: (change: Change | null) => void;
}) {
  // What the edit is based on stays, when somebody else saves in the meantime.
  const [base, setBase] = useState(latest);
  const [continuing, setContinuing] = useState(false);
  const [draft, setDraft] = useState<TierDraft>(() => draftOf(latest ?? blank));
  const [checked, setChecked] = useState(false);
  const [faults, setFaults] = useState<Faults>(noFaults);
  const [stale, setStale] = useState<Stale | null>(null);
  const [asking, setAsking] = useState(false);
  const [trying, setTrying] = useState(false);
  const [previews, setPreviews] = useState(0);
  const [{ fetching: creating }, create] = useMutation(CreateTier);
  const [{ fetching: updating }, update] = useMutation(UpdateTier);
  const publishing = usePublishing();
  const [, navigate] = useLocation();
  const href = useHref();
  const say = useToast();
  const deeds = useDeeds(base?.id ?? null);
  const dirty = isChanged(draft, beginning(base, continuing));
  const letGo = useUnsaved(dirty);
  const problems = validate(draft);
  const invalid = Object.keys(problems).length > 0;
  const problemAt = (path: string) => faults.fields[path] ?? (checked ? problems[path] : undefined);
  const diffs = base ? diffLimits(base.limits, namedLimits(draft, catalog)) : [];

  const start = (tier: EditedTier | null, withDraft = false) => {
    setBase(tier);
    setContinuing(withDraft && tier?.draft != null);
    setDraft(draftOf(beginning(tier, withDraft)));
    setFaults(noFaults);
    setStale(null);
    setChecked(false);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what comes from the server begins it anew
  useEffect(() => {
    if (!dirty && latest && latest.revision !== base?.revision) start(latest, continuing);
  }, [latest]);
  const edit = (next: TierDraft, touched: string) => {
    setDraft(next);
    onChange(null);
    setFaults((old) => ({ ...old, fields: without(old.fields, touched) }));
  };
  /** Says what was refused, in its place; true when that is in the form. */
  const refuse = (refused: Faults): boolean => {
    if (refused.stale) {
      setStale(refused.stale);
      setAsking(false);
      setTrying(false);
      reload();
      return true;
    }
    if (Object.keys(refused.fields).length === 0) return false;
    setFaults(refused);
    setAsking(false);
    setTrying(false);
    focusFirstProblem();
    return true;
  };
  const settle = (tier: EditedTier, snapshot: number, sentMS: number) => {
    start(tier);
    setAsking(false);
    setTrying(false);
    onChange({ snapshot, sentMS });
  };
  const isReady = () => {
    setChecked(true);
    if (invalid) focusFirstProblem();
    return !invalid;
  };
  const createTier = async () => {
    const { data, error } = await create({ input: inputOf(draft) });
    if (error) return setFaults(faultsOf(error, isShown));
    letGo();
    if (data) navigate(href(paths.tier(data.createTier.tier.id)), { replace: true });
  };
  /** A name or another order, which is no new version. */
  const saveTier = async (tier: EditedTier) => {
    const sentMS = performance.now();
    const input = { ...inputOf(draft), id: tier.id, revision: tier.revision };
    const { data, error } = await update({ input });
    if (error && !refuse(faultsOf(error, isShown))) setFaults(faultsOf(error, isShown));
    if (data) settle(data.updateTier.tier, data.updateTier.snapshot, sentMS);
  };
  const saveDraft = async (tier: EditedTier) => {
    if (!isReady()) return;
    const { tier: saved, error } = await publishing.keep(tier, draft);
    if (error && !refuse(faultsOf(error, isShown))) setFaults(faultsOf(error, isShown));
    if (!saved) return;
    start(saved, true);
    say("The draft is saved; nobody is on it");
  };
  const isPublication = base !== null && (isDifferent(diffs) || continuing);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady()) return;
    setFaults(noFaults);
    if (base === null) void createTier();
    else if (isPublication) setAsking(true);
    else if (dirty) void saveTier(base);
  };

  return (
    <>
      {base && (
        <DraftNotice
          tier={base}
          continuing={continuing}
          onContinue={() => start(base, true)}
          onPreview={role === "anonymous" ? null : () => setPreviews(previews + 1)}
          onDiscarded={(tier) => (continuing ? start(tier) : setBase({ ...base, ...tier }))}
          onRefused={refuse}
        />
      )}
      {faults.general.map((message) => (
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
          continuing={continuing}
          publication={isPublication}
          invalid={checked && invalid}
          busy={creating || updating || publishing.busy}
          onUndo={() => start(base, continuing)}
          onLeaveDraft={() => start(base)}
          onSaveDraft={() => base && void saveDraft(base)}
          onTry={() => isReady() && setTrying(true)}
        />
      </form>
      {base && role !== "anonymous" && (
        <TierPreview
          tierId={base.id}
          sources={draftSources(draft, base.draft, invalid)}
          asked={previews}
        />
      )}
      {base && latest && asking && (
        <PublishDialog
          tier={{ ...latest, ...{ name: base.name, version: base.version } }}
          diffs={diffs}
          renamed={draft.name.trim() === base.name ? undefined : draft.name.trim()}
          note={continuing ? (base.draft?.note ?? "") : ""}
          publish={async (publication) => {
            const sentMS = performance.now();
            const form = { draft, continuing, dirty };
            const { tier, snapshot, error } = await publishing.publish(base, form, publication);
            if (tier && error) setBase(tier);
            if (error) return refuse(faultsOf(error, isShown)) ? null : error;
            if (tier) settle(tier, snapshot, sentMS);
            return null;
          }}
          onClose={() => setAsking(false)}
        />
      )}
      {base && trying && (
        <StartPilotDialog
          tier={base}
          limits={inputOf(draft).limits}
          diffs={diffs}
          onStarted={settle}
          onRefused={refuse}
          onClose={() => setTrying(false)}
        />
      )}
      {base && latest && stale && (
        <TierStaleDialog
          stale={stale}
          base={base}
          latest={latest}
          onTheirs={() => start(latest)}
          onMine={() => {
            setBase(latest);
            setContinuing(continuing && latest.draft !== null);
            setStale(null);
          }}
          onClose={() => setStale(null)}
        />
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
