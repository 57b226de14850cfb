import { useState } from "react";
import { useMutation } from "urql";
import { explain, type Faults, faultsOf, noFaults } from "~/api/errors";
import { graphql } from "~/api/gql";
import { diffLimits } from "~/limit/diff";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { useToast } from "~/ui/Toast";
import { ownAccounts } from "./tier-details";
import { moveInput, moveNow, moveProblems, moveWords } from "./tier-move";
import { type Pilot, PilotDetails, type PilotedTier } from "./tier-pilot-details";
import { PublishFields } from "./tier-publish-fields";

const EndPilot = graphql(
  `
  mutation EndPilot($input: EndPilotInput!) {
    endPilot(input: $input) {
      snapshot
      tier {
        ...PilotDetails
      }
    }
  }
`,
  [PilotDetails],
);

const PromotePilot = graphql(
  `
  mutation PromotePilot($input: PromotePilotInput!) {
    promotePilot(input: $input) {
      snapshot
      tier {
        ...PilotDetails
      }
    }
  }
`,
  [PilotDetails],
);

type Props = { tier: PilotedTier; pilot: Pilot; reload: () => void; onClose: () => void };

/** Asks before everybody goes back to where they would be without a pilot. */
export function EndPilotDialog({ tier, pilot, reload, onClose }: Props) {
  const [{ fetching, error }, end] = useMutation(EndPilot);
  const say = useToast();
  const confirm = async () => {
    const { error } = await end({ input: { id: pilot.id, revision: tier.revision } });
    if (error) return reload();
    say("The pilot has ended");
    onClose();
  };
  return (
    <Confirm
      title={`End the pilot “${pilot.name}”?`}
      confirm="End the pilot"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      In about a second, the {plural(pilot.accountCount, "account")} in it{" "}
      {pilot.accountCount === 1 ? "is" : "are"} where {pilot.accountCount === 1 ? "it" : "they"}{" "}
      would be without it: grandfathered ones on their own version. Limits that the tier has keep
      their counters.
    </Confirm>
  );
}

/** Asks who else gets what a pilot tries, as a new version of the tier. */
export function PromotePilotDialog({ tier, pilot, reload, onClose }: Props) {
  const [note, setNote] = useState("");
  const [move, setMove] = useState(moveNow);
  const [checked, setChecked] = useState(false);
  const [faults, setFaults] = useState<Faults>(noFaults);
  const [{ fetching }, promote] = useMutation(PromotePilot);
  const say = useToast();
  const number = (tier.version.number ?? 0) + 1;
  const others = Math.max(0, ownAccounts(tier) - pilot.accountCount);
  const problems = moveProblems(move);
  const problemAt = (field: string) =>
    faults.fields[field] ?? (checked ? problems[field] : undefined);
  const send = async () => {
    setChecked(true);
    setFaults(noFaults);
    if (Object.keys(problems).length > 0) return;
    const { error } = await promote({
      input: {
        id: pilot.id,
        revision: tier.revision,
        note: note.trim() || null,
        move: moveInput(move),
      },
    });
    if (error) {
      const shown = ["note", "move.steps", "move.stepMinutes"];
      const refused = faultsOf(error, (field) => shown.includes(field));
      if (refused.stale) reload();
      return setFaults(refused);
    }
    say(`The pilot is version ${number}`);
    onClose();
  };
  const lines = [
    `${plural(pilot.accountCount, "account")} of the pilot ${pilot.accountCount === 1 ? "is" : "are"} on it at once.`,
    ...moveWords(
      move,
      `version ${number}`,
      { own: others, byDefault: tier.defaultAccountCount },
      Date.now(),
    ),
  ];
  return (
    <FormDialog
      wide
      title={`Make the pilot “${pilot.name}” version ${number}`}
      submit="Publish"
      busy={fetching}
      errors={faults.general}
      onSubmit={send}
      onClose={onClose}
    >
      <PublishFields
        number={number}
        diffs={diffLimits(tier.limits, pilot.version.limits)}
        note={note}
        noteHint="Why; without one it is the pilot’s name."
        onNote={setNote}
        move={move}
        onMove={setMove}
        movable={others}
        effects={lines}
        problemAt={problemAt}
      />
    </FormDialog>
  );
}
