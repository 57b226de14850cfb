import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useSubmit } from "~/api/submit";
import { Permitted } from "~/app/Permitted";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { useFocusAnew } from "~/ui/focus";
import { bytes, moment, plural, short } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { Panel } from "~/ui/Panel";
import { ErrorState, Loading, Notice, Skeleton } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import {
  type Draft,
  draftOf,
  draftProblems,
  isDirty,
  levelFields,
  levelNames,
  planLines,
  retentionInput,
} from "./settings-retention-form";

const RetentionQuery = graphql(`
  query Retention {
    retention {
      revision
      levels {
        granularity
        days
        storedFrom
        rows
        bytes
      }
    }
  }
`);

const PlanQuery = graphql(`
  query RetentionPlan($input: RetentionInput!) {
    retentionPlan(input: $input) {
      levels {
        granularity
        days
        drop {
          from
          until
          rows
          bytes
        }
        nextDropAt
      }
    }
  }
`);

const SetRetention = graphql(`
  mutation SetRetention($input: RetentionInput!) {
    setRetention(input: $input) {
      retention {
        revision
      }
    }
  }
`);

type Retention = ResultOf<typeof RetentionQuery>["retention"];
type Level = Retention["levels"][number];

const confirmation = "drop usage";

/** How long usage is kept at each granularity. */
export function RetentionSettings() {
  const { data, error, reload } = usePolled({
    query: RetentionQuery,
    variables: {},
    everyMS: null,
  });
  const box = useFocusAnew<HTMLDivElement>(data?.retention.revision);
  return (
    <Panel title="Retention" note="how long usage is kept; coarser usage keeps the sums of finer">
      {error && !data && <ErrorState what="the retention" error={error} retry={reload} />}
      {!error && !data && (
        <Loading what="the retention">
          <Skeleton className="mx-4 mb-4 h-40" />
        </Loading>
      )}
      {data && (
        <div ref={box}>
          <RetentionForm
            key={data.retention.revision}
            retention={data.retention}
            onSaved={reload}
            onConflict={reload}
          />
        </div>
      )}
    </Panel>
  );
}

function RetentionForm({
  retention,
  onSaved,
  onConflict,
}: {
  retention: Retention;
  onSaved: () => void;
  onConflict: () => void;
}) {
  const base = draftOf(retention.levels);
  const [draft, setDraft] = useState<Draft>(base);
  const [asking, setAsking] = useState(false);
  const [, set] = useMutation(SetRetention);
  const { submit, busy, faults } = useSubmit(levelFields);
  const say = useToast();
  const problems = draftProblems(draft);
  const dirty = isDirty(draft, base);
  const ready = dirty && Object.keys(problems).length === 0;
  const input = { ...retentionInput(draft), revision: retention.revision };
  const [plan] = useQuery({
    query: PlanQuery,
    variables: { input },
    pause: !ready,
    requestPolicy: "network-only",
  });
  const planned = ready && !plan.fetching ? plan.data?.retentionPlan.levels : undefined;
  const drops = planned?.some((l) => l.drop !== null) ?? false;
  const save = async () => {
    const saved = await submit(set({ input }));
    setAsking(false);
    if (!saved) return;
    say("The retention is saved");
    onSaved();
  };
  return (
    <>
      <form
        noValidate
        className="flex flex-col gap-3 px-4 pb-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!planned) return;
          if (drops) setAsking(true);
          else void save();
        }}
      >
        <div className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
          {retention.levels.map((level) => {
            const { field, label } = levelNames[level.granularity];
            return (
              <TextField
                key={field}
                label={label}
                look="number"
                placeholder="for ever"
                hint={stored(level)}
                error={problems[field] ?? faults?.fields[field]}
                value={draft[field]}
                onChange={(value) => setDraft({ ...draft, [field]: value })}
              />
            );
          })}
        </div>
        {ready && plan.error && (
          <Notice kind="error">What this would drop isn’t known: {explain(plan.error)}</Notice>
        )}
        {planned && (
          <Notice kind={drops ? "warning" : "info"}>
            <ul aria-label="What saving does">
              {planLines(planned, retention.levels).map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </Notice>
        )}
        {faults?.general.map((message) => (
          <p key={message} role="alert" className="text-error">
            {message}
          </p>
        ))}
        <div className="flex flex-wrap gap-2">
          <Permitted needs="SETTINGS_WRITE">
            <Button type="submit" kind="primary" busy={busy} disabled={!planned}>
              Save retention
            </Button>
          </Permitted>
          {dirty && <Button onClick={() => setDraft(base)}>Undo changes</Button>}
          {faults?.conflict && <Button onClick={onConflict}>Load what it is now</Button>}
        </div>
      </form>
      {asking && planned && (
        <Confirm
          title="Drop usage for good?"
          confirm="Save and drop"
          typed={confirmation}
          danger
          busy={busy}
          onConfirm={save}
          onClose={() => setAsking(false)}
        >
          {planned.map(
            (l) =>
              l.drop && (
                <p key={l.granularity}>
                  {levelNames[l.granularity].label}: about {plural(l.drop.rows, "row")},{" "}
                  {bytes(l.drop.bytes)}, of the time before {moment(Date.parse(l.drop.until))}.
                </p>
              ),
          )}
          <p>They do not come back when the retention is made longer again.</p>
        </Confirm>
      )}
    </>
  );
}

/** What there is of one granularity. */
function stored(level: Level): string {
  if (level.storedFrom === null) return "Days; empty is for ever. Nothing yet.";
  const day = level.storedFrom.slice(0, 10);
  return `Days; empty is for ever. Since ${day}: ${short(level.rows)} ${level.rows === 1 ? "row" : "rows"}, ${bytes(level.bytes)}.`;
}
