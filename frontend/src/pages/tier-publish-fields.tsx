import { DiffTable } from "~/limit/DiffTable";
import type { LimitDiff } from "~/limit/diff";
import { TextField } from "~/ui/inputs";
import type { MoveDraft } from "./tier-move";
import { MoveFields } from "./tier-move-fields";

/** What a version that is to be published changes, why, who moves to it, and what that does. */
export function PublishFields({
  number,
  diffs,
  note,
  noteHint,
  onNote,
  move,
  onMove,
  movable,
  effects,
  problemAt,
}: {
  /** The version's. */
  number: number;
  diffs: readonly LimitDiff[];
  note: string;
  noteHint: string;
  onNote: (note: string) => void;
  move: MoveDraft;
  onMove: (move: MoveDraft) => void;
  /** Accounts that can be moved; with none, nothing is asked. */
  movable: number;
  /** What publishing does, in sentences. */
  effects: readonly string[];
  problemAt: (field: string) => string | undefined;
}) {
  return (
    <>
      <div className="overflow-hidden rounded-control border border-line pt-1">
        <DiffTable
          diffs={diffs}
          before={`Version ${number - 1}`}
          after={`Version ${number}`}
          maxHeight="max-h-60"
        />
      </div>
      <TextField
        label="Note"
        hint={noteHint}
        error={problemAt("note")}
        maxLength={500}
        autofocus
        value={note}
        onChange={onNote}
      />
      {movable > 0 && <MoveFields draft={move} problemAt={problemAt} onChange={onMove} />}
      <div role="status">
        <ul aria-label="What publishing does" className="text-muted">
          {effects.map((effect) => (
            <li key={effect}>{effect}</li>
          ))}
        </ul>
      </div>
    </>
  );
}
