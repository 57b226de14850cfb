import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type VariablesOf } from "~/api/gql";
import { Confirm } from "~/ui/Dialog";
import { plural } from "~/ui/format";
import { useToast } from "~/ui/Toast";
import type { TierMove } from "./tier-move-panel";

const ChangeTierMove = graphql(`
  mutation ChangeTierMove($input: ChangeTierMoveInput!) {
    changeTierMove(input: $input) {
      snapshot
      tier {
        id
        revision
        move {
          id
          state
        }
      }
    }
  }
`);

export type MoveChange = VariablesOf<typeof ChangeTierMove>["input"]["change"];

const verbs: Record<MoveChange, string> = {
  PAUSE: "Pause",
  RESUME: "Resume",
  STOP: "Stop",
  TURN_BACK: "Turn back",
};

const done: Record<MoveChange, string> = {
  PAUSE: "The move is paused",
  RESUME: "The move goes on",
  STOP: "The move ends where it is",
  TURN_BACK: "The move is turned back",
};

/** What a change of a move does to the accounts that have moved, and to the others. */
function follows(
  change: MoveChange,
  move: Pick<TierMove, "moved" | "accounts" | "version">,
): string {
  const version = `version ${move.version.number}`;
  const left = Math.max(0, move.accounts - move.moved);
  const stay =
    move.moved === 0
      ? "No account has moved yet"
      : move.moved === 1
        ? `The account that moved stays on ${version}`
        : `The ${plural(move.moved, "account")} that moved stay on ${version}`;
  switch (change) {
    case "PAUSE":
      return `${stay}, and nobody else moves until it is resumed.`;
    case "RESUME":
      return `It goes on with the ${plural(left, "account")} left; what was due while it was paused is done at once.`;
    case "STOP":
      return `${stay}, and the ${plural(left, "account")} left ${left === 1 ? "stays where it is" : "stay where they are"}, for good: to move them, publish again. Accounts that come to the tier get ${version}.`;
    case "TURN_BACK":
      return `${goBack(move.moved)} Accounts that come to the tier still get ${version}.`;
  }
}

function goBack(moved: number): string {
  if (moved === 0) return "No account has moved yet, and none will.";
  if (moved === 1)
    return "The account that moved goes back to the version that it came from, in about a second, and keeps its counters.";
  return `The ${plural(moved, "account")} that moved go back to the version that they came from, in about a second, and keep their counters.`;
}

/** Asks before a move is paused, resumed, stopped or turned back. */
export function MoveChangeDialog({
  move,
  change,
  onClose,
}: {
  move: TierMove;
  change: MoveChange;
  onClose: () => void;
}) {
  const [{ fetching, error }, send] = useMutation(ChangeTierMove);
  const say = useToast();
  const confirm = async () => {
    const { error } = await send({ input: { id: move.id, change } });
    if (error) return;
    say(done[change]);
    onClose();
  };
  return (
    <Confirm
      title={`${verbs[change]} the move to version ${move.version.number}?`}
      confirm={`${verbs[change]} the move`}
      danger={change === "STOP" || change === "TURN_BACK"}
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      {follows(change, move)}
    </Confirm>
  );
}
