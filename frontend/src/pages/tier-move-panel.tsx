import { Check } from "lucide-react";
import { useEffect, useState } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { useFreshness, useNow } from "~/app/location";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { exact, moment, percent, plural, ratio } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { ErrorState } from "~/ui/states";
import { When } from "~/ui/When";
import { type MoveChange, MoveChangeDialog } from "./tier-move-change";

const MoveQuery = graphql(`
  query TierMove($id: ID!) {
    tier(id: $id) {
      id
      move {
        id
        version {
          id
          number
        }
        when
        state
        steps
        stepMinutes
        percent
        accounts
        moved
        nextAt
        startedAt
        endedAt
      }
    }
  }
`);

export type TierMove = NonNullable<NonNullable<ResultOf<typeof MoveQuery>["tier"]>["move"]>;

const states = {
  RUNNING: { kind: "good", label: "Running" },
  PAUSED: { kind: "warning", label: "Paused" },
  STOPPING: { kind: "neutral", label: "Stopping" },
  FINISHED: { kind: "good", label: "Finished" },
  STOPPED: { kind: "neutral", label: "Stopped" },
  TURNED_BACK: { kind: "neutral", label: "Turned back" },
} as const;

/** How often to ask while a step, or the end, is due. */
const dueEveryMS = 1_000;

const isAboutToChange = (move: TierMove | null, nowMS: number) =>
  move?.state === "STOPPING" ||
  (move?.state === "RUNNING" && move.nextAt !== null && Date.parse(move.nextAt) < nowMS + 5_000);

const isOver = (move: TierMove) => move.endedAt !== null;
export const isLastStepTaken = (move: TierMove) => move.when === "STEPS" && move.percent === 100;

/** The move of a tier's accounts to a version: how it goes on, or how the last one ended. */
export function TierMovePanel({ tierId, past = false }: { tierId: string; past?: boolean }) {
  const everyMS = useFreshness();
  const [isDue, setDue] = useState(false);
  const { data, error, reload } = usePolled({
    query: MoveQuery,
    variables: { id: tierId },
    everyMS: everyMS !== null && isDue ? dueEveryMS : everyMS,
  });
  const due = isAboutToChange(data?.tier?.move ?? null, Date.now());
  useEffect(() => setDue(due), [due]);
  if (error && !data)
    return (
      <Panel title="Move">
        <ErrorState what="the move of its accounts" error={error} retry={reload} />
      </Panel>
    );
  const move = data?.tier?.move;
  if (!move || (isOver(move) && !past)) return null;
  return isOver(move) ? <PastMove move={move} /> : <RunningMove move={move} />;
}

/** How a move ended, in a line. */
function PastMove({ move }: { move: TierMove }) {
  const nowMS = useNow(30_000);
  const moved =
    move.state === "TURNED_BACK"
      ? "all are back on the version that they came from"
      : `${exact.format(move.moved)} of ${plural(move.accounts, "account")} moved`;
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-muted">
      <Badge kind={states[move.state].kind}>{states[move.state].label}</Badge>
      <span>
        The last move, to version {move.version.number}: {moved}
        {move.endedAt && (
          <>
            , <When at={move.endedAt} nowMS={nowMS} />
          </>
        )}
        .
      </span>
    </p>
  );
}

function RunningMove({ move }: { move: TierMove }) {
  const { may } = useViewer();
  const [asked, setAsked] = useState<MoveChange | null>(null);
  const nowMS = useNow(1_000);
  const part = ratio(move.moved, move.accounts) ?? 0;
  const ask = (change: MoveChange, label: string) => (
    <Button onClick={() => setAsked(change)}>{label}</Button>
  );
  return (
    <Panel
      title={`Move to version ${move.version.number}`}
      note={
        move.when === "STEPS"
          ? `In steps, ${plural(move.stepMinutes ?? 0, "minute")} apart`
          : "Each account at the end of its billing period"
      }
      actions={
        may("POLICY_WRITE") &&
        move.state !== "STOPPING" && (
          <>
            {move.state === "RUNNING" ? ask("PAUSE", "Pause") : ask("RESUME", "Resume")}
            {ask("STOP", "Stop")}
            {!isLastStepTaken(move) && ask("TURN_BACK", "Turn back")}
          </>
        )
      }
    >
      <div className="flex flex-col gap-2 px-4 pb-4">
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Badge kind={states[move.state].kind}>{states[move.state].label}</Badge>
          <span>
            {exact.format(move.moved)} of {plural(move.accounts, "account")} moved, {percent(part)}
          </span>
          {move.nextAt && move.state === "RUNNING" && (
            <span className="text-muted">
              next {move.when === "STEPS" ? "step" : "account"}{" "}
              <When at={move.nextAt} nowMS={nowMS} coming />, at {moment(Date.parse(move.nextAt))}
            </span>
          )}
          {move.state === "PAUSED" && (
            <span className="text-muted">nobody moves until it is resumed</span>
          )}
        </p>
        <div
          role="progressbar"
          aria-label={`Accounts moved to version ${move.version.number}`}
          aria-valuemin={0}
          aria-valuemax={move.accounts}
          aria-valuenow={move.moved}
          aria-valuetext={`${exact.format(move.moved)} of ${exact.format(move.accounts)}`}
          className="h-1.5 overflow-hidden rounded-full bg-line"
        >
          <div
            className="h-full rounded-full bg-allowed transition-[width] duration-300"
            style={{ width: `${part * 100}%` }}
          />
        </div>
        {move.when === "STEPS" && <Steps move={move} />}
        <p className="text-small text-faint">
          Another version can be published once this has ended.
        </p>
      </div>
      {asked && <MoveChangeDialog move={move} change={asked} onClose={() => setAsked(null)} />}
    </Panel>
  );
}

/** The steps, those that are taken with a mark. */
function Steps({ move }: { move: TierMove }) {
  return (
    <ol aria-label="Steps" className="flex flex-wrap gap-x-4 gap-y-1">
      {move.steps.map((step) => {
        const taken = step <= move.percent;
        return (
          <li
            key={step}
            className={`inline-flex items-center gap-1 ${taken ? "font-medium" : "text-muted"}`}
          >
            {taken && <Check aria-hidden className="size-3.5 text-allowed" />}
            {step}%<span className="sr-only">{taken ? ", taken" : ", to come"}</span>
          </li>
        );
      })}
    </ol>
  );
}
