import { Check, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { Field } from "./Field";

export type Pick = { value: string; label: string; note?: string };

/** Chooses one or several out of many, by typing a part of the name. */
export function PickField({
  label,
  hint,
  error,
  chosen,
  picks,
  several = false,
  placeholder,
  onSearch,
  onChange,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  chosen: Pick[];
  /** What there is for what was typed; undefined while it loads. */
  picks: Pick[] | undefined;
  /** Whether more than one can be chosen. */
  several?: boolean;
  placeholder?: string;
  /** Told what was typed. */
  onSearch: (text: string) => void;
  onChange: (chosen: Pick[]) => void;
}) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const current = Math.min(active, (picks?.length ?? 0) - 1);
  const has = (value: string) => chosen.some((c) => c.value === value);
  const type = (typed: string) => {
    setText(typed);
    setActive(0);
    onSearch(typed.trim());
  };
  const choose = (pick: Pick | undefined) => {
    if (!pick) return;
    if (has(pick.value)) return onChange(chosen.filter((c) => c.value !== pick.value));
    onChange(several ? [...chosen, pick] : [pick]);
    if (several) return;
    type("");
    setOpen(false);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    const count = picks?.length ?? 0;
    if (step !== 0) {
      event.preventDefault();
      setOpen(true);
      if (open && count > 0) setActive((current + step + count) % count);
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      choose(picks?.[current]);
    } else if (event.key === "Escape" && open) {
      // It closes the list, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  };
  return (
    <Field label={label} hint={hint} error={error}>
      {(wiring) => (
        <>
          {chosen.length > 0 && (
            <ul aria-label={`Chosen: ${label}`} className="flex flex-wrap gap-1">
              {chosen.map((pick) => (
                <li
                  key={pick.value}
                  className="inline-flex max-w-full items-center rounded-full border border-accent bg-accent-soft pl-2.5"
                >
                  <span className="min-w-0 truncate" title={pick.label}>
                    {pick.label}
                  </span>
                  <button
                    type="button"
                    aria-label={`Remove ${pick.label}`}
                    onClick={() => choose(pick)}
                    className="inline-flex size-6 shrink-0 items-center justify-center rounded-full text-muted hover:bg-hover hover:text-ink pointer-coarse:size-10"
                  >
                    <X aria-hidden className="size-3.5" />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <input
            {...wiring}
            role="combobox"
            aria-expanded={open}
            aria-controls={`${wiring.id}-list`}
            aria-activedescendant={open && current >= 0 ? `${wiring.id}-${current}` : undefined}
            autoComplete="off"
            spellCheck={false}
            placeholder={placeholder}
            className="control w-full"
            value={text}
            onChange={(e) => {
              setOpen(true);
              type(e.target.value);
            }}
            onFocus={() => setOpen(true)}
            onBlur={() => whenReleased(() => setOpen(false))}
            onKeyDown={onKey}
          />
          <div
            id={`${wiring.id}-list`}
            role="listbox"
            aria-label={label}
            aria-multiselectable={several || undefined}
            hidden={!open || !picks?.length}
            className="max-h-48 overflow-y-auto rounded-control border border-line-strong p-1"
          >
            {picks?.map((pick, i) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above handles the keys
              // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox
              <div
                key={pick.value}
                id={`${wiring.id}-${i}`}
                role="option"
                aria-selected={has(pick.value)}
                ref={i === current && open ? scrollTo : undefined}
                // The field would lose the focus, and the list close before the click.
                onPointerDown={(e) => e.preventDefault()}
                onClick={() => choose(pick)}
                onPointerMove={() => setActive(i)}
                className={`flex min-h-8 cursor-pointer items-center gap-2 rounded-control px-2 pointer-coarse:min-h-11 ${i === current ? "bg-hover" : ""}`}
              >
                <Check
                  aria-hidden
                  className={`size-3.5 shrink-0 text-accent ${has(pick.value) ? "" : "invisible"}`}
                />
                <span className="min-w-0 truncate">{pick.label}</span>
                {pick.note && (
                  <span className="ml-auto shrink-0 text-small text-faint">{pick.note}</span>
                )}
              </div>
            ))}
          </div>
          {open && picks?.length === 0 && (
            <p role="status" className="text-small text-muted">
              {text.trim() ? `Nothing has “${text.trim()}” in its name.` : "There is none yet."}
            </p>
          )}
        </>
      )}
    </Field>
  );
}

/** What closes moves what is below it: a button that is being pressed has to get its click first. */
function whenReleased(close: () => void) {
  if (document.querySelector(":active") === null) return close();
  addEventListener("pointerup", () => setTimeout(close), { once: true });
}

const scrollTo = (element: HTMLElement | null) => element?.scrollIntoView({ block: "nearest" });
