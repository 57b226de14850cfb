import { RadioField, TextField } from "~/ui/inputs";
import type { MoveDraft, MoveWhen } from "./tier-move";

const choices: Array<{ value: MoveWhen; label: string; note: string }> = [
  { value: "NOW", label: "Now", note: "All together, in about a second." },
  { value: "STEPS", label: "In steps", note: "So many percent at a time; can be turned back." },
  { value: "PERIOD_END", label: "At their period’s end", note: "Each as its billing period ends." },
  { value: "NONE", label: "Nobody", note: "Only accounts that come to the tier get it." },
];

/** When the accounts of a tier move to the version that is being published. */
export function MoveFields({
  draft,
  problemAt,
  onChange,
}: {
  draft: MoveDraft;
  problemAt: (field: string) => string | undefined;
  onChange: (draft: MoveDraft) => void;
}) {
  return (
    <>
      <RadioField
        label="Who moves, and when"
        name="move-when"
        columns={2}
        value={draft.when}
        choices={choices}
        onChange={(when) => onChange({ ...draft, when })}
      />
      {draft.when === "STEPS" && (
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            label="Percent of the accounts"
            hint="Rising, the last 100; the first step is taken at once."
            error={problemAt("move.steps")}
            value={draft.steps}
            onChange={(steps) => onChange({ ...draft, steps })}
          />
          <TextField
            label="Minutes between steps"
            look="number"
            error={problemAt("move.stepMinutes")}
            value={draft.minutes}
            onChange={(minutes) => onChange({ ...draft, minutes })}
          />
        </div>
      )}
    </>
  );
}
