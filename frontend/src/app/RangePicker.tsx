import { CalendarRange } from "lucide-react";
import { Popover } from "radix-ui";
import { type FormEvent, useState } from "react";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { inputMoment, moment } from "~/ui/format";
import { useRange } from "./location";
import { type Preset, presets, type Range, type Window } from "./range";

const presetKeys = Object.keys(presets) as Preset[];

/** The global time range: presets, or two instants of one's own. */
export function RangePicker() {
  const { range, window, setRange } = useRange();
  const [open, setOpen] = useState(false);
  const choose = (next: Range) => {
    setRange(next);
    setOpen(false);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <button
          type="button"
          title={inWords(range)}
          className="control flex items-center gap-2 whitespace-nowrap hover:bg-hover"
        >
          <CalendarRange aria-hidden className="size-4 text-muted max-sm:hidden" />
          <span className="sr-only">Time range: </span>
          <span className="max-w-64 truncate max-sm:max-w-24">{brief(range)}</span>
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={6}
          collisionPadding={12}
          aria-label="Time range"
          className="z-40 w-72 rounded-panel border border-line-strong bg-raised p-3"
        >
          <div className="grid grid-cols-3 gap-1.5">
            {presetKeys.map((preset) => (
              <Button
                key={preset}
                kind={range.preset === preset ? "primary" : "plain"}
                aria-pressed={range.preset === preset}
                onClick={() => choose({ preset })}
              >
                {presets[preset].short}
              </Button>
            ))}
          </div>
          <CustomRange key={String(open)} window={window} onChoose={choose} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function CustomRange({ window, onChoose }: { window: Window; onChoose: (range: Range) => void }) {
  const [from, setFrom] = useState(() => inputMoment(window.fromMS));
  const [to, setTo] = useState(() => inputMoment(window.toMS));
  const fromMS = Date.parse(from);
  const toMS = Date.parse(to);
  const problem =
    Number.isNaN(fromMS) || Number.isNaN(toMS)
      ? "Give both a date and a time."
      : fromMS >= toMS
        ? "The end must be after the beginning."
        : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!problem) onChoose({ preset: null, fromMS, toMS });
  };
  return (
    <form onSubmit={submit} className="mt-3 flex flex-col gap-2 border-t border-line pt-3">
      <Field label="From">
        {(field) => (
          <input
            {...field}
            type="datetime-local"
            className="control w-full"
            value={from}
            onChange={(e) => setFrom(e.target.value)}
          />
        )}
      </Field>
      <Field label="To" error={problem}>
        {(field) => (
          <input
            {...field}
            type="datetime-local"
            className="control w-full"
            value={to}
            onChange={(e) => setTo(e.target.value)}
          />
        )}
      </Field>
      <Button type="submit" disabled={problem !== undefined}>
        Show this range
      </Button>
    </form>
  );
}

function inWords(range: Range): string {
  if (range.preset !== null) return presets[range.preset].label;
  return `${moment(range.fromMS).slice(0, 16)} to ${moment(range.toMS).slice(0, 16)}`;
}

function brief(range: Range): string {
  if (range.preset !== null) return presets[range.preset].short;
  const from = moment(range.fromMS).slice(5, 16);
  const to = moment(range.toMS).slice(5, 16);
  return `${from} – ${from.slice(0, 5) === to.slice(0, 5) ? to.slice(6) : to}`;
}
