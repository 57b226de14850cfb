import type { CombinedError } from "@urql/core";
import { useState } from "react";
import { type Faults, faultsOf, noFaults } from "~/api/errors";
import type { LimitDiff } from "~/limit/diff";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { type EditedTier, ownAccounts } from "./tier-details";
import { type MoveInput, moveInput, moveNow, moveProblems, moveWords } from "./tier-move";
import { PublishFields } from "./tier-publish-fields";

export type Publication = { note: string; move: MoveInput };

const shown = (field: string) => ["note", "move.steps", "move.stepMinutes"].includes(field);

/** Asks who moves to a new version and when, after saying what it changes. */
export function PublishDialog({
  tier,
  diffs,
  what,
  renamed,
  note: initialNote = "",
  publish,
  onClose,
}: {
  tier: EditedTier;
  /** What the new version changes of the current one. */
  diffs: readonly LimitDiff[];
  /** What is published, when it isn't what was edited: “The limits of version 2”. */
  what?: string;
  /** Another name that the tier gets with it. */
  renamed?: string | undefined;
  note?: string;
  /** Publishes it; what it was refused for, or null when that is shown elsewhere or nothing was. */
  publish: (publication: Publication) => Promise<CombinedError | null>;
  onClose: () => void;
}) {
  const [note, setNote] = useState(initialNote);
  const [move, setMove] = useState(moveNow);
  const [busy, setBusy] = useState(false);
  const [checked, setChecked] = useState(false);
  const [faults, setFaults] = useState<Faults>(noFaults);
  const number = (tier.version.number ?? 0) + 1;
  const own = ownAccounts(tier);
  const problems = moveProblems(move);
  const problemAt = (field: string) =>
    faults.fields[field] ?? (checked ? problems[field] : undefined);
  const send = async () => {
    setChecked(true);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    const error = await publish({ note: note.trim(), move: moveInput(move) });
    setBusy(false);
    if (error === null) return;
    setFaults(faultsOf(error, shown));
  };
  const lines = moveWords(
    move,
    `version ${number}`,
    { own, byDefault: tier.defaultAccountCount },
    Date.now(),
  );
  return (
    <FormDialog
      wide
      title={`Publish version ${number} of ${tier.name}`}
      submit={
        move.when === "NOW" && own > 0 ? `Publish and move ${plural(own, "account")}` : "Publish"
      }
      busy={busy}
      errors={faults.general}
      onSubmit={send}
      onClose={onClose}
    >
      {what && <p className="text-muted">{what}</p>}
      {renamed !== undefined && (
        <p>
          The tier is called <span className="font-medium">{renamed}</span> from then on.
        </p>
      )}
      <PublishFields
        number={number}
        diffs={diffs}
        note={note}
        noteHint="Why; it stands beside the version for good."
        onNote={setNote}
        move={move}
        onMove={setMove}
        movable={own}
        effects={lines}
        problemAt={problemAt}
      />
    </FormDialog>
  );
}
