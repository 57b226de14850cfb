import { Check, ChevronDown, X } from "lucide-react";
import { Popover } from "radix-ui";
import { type KeyboardEvent, type ReactNode, useId, useState } from "react";

export type Pick = { value: string; label: string; note?: string };

/**
 * A filter chip: what is chosen, a list to choose from that can be searched, and
 * a way to take the filter off.
 */
export function FilterChip({
  label,
  chosen,
  nameOf,
  onChange,
  children,
}: {
  label: string;
  chosen: string[];
  /** What a chosen value is called. */
  nameOf: (value: string) => string;
  onChange: (values: string[]) => void;
  /** The list to choose from. */
  children: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const active = chosen.length > 0;
  const words =
    chosen.length === 0
      ? "any"
      : chosen.length === 1
        ? nameOf(chosen[0] ?? "")
        : `${nameOf(chosen[0] ?? "")} +${chosen.length - 1}`;
  return (
    <span
      className={`inline-flex max-w-full min-w-0 items-center rounded-full border ${active ? "border-accent bg-accent-soft" : "border-line-control bg-surface"}`}
    >
      <Popover.Root open={open} onOpenChange={setOpen}>
        <Popover.Trigger asChild>
          <button
            type="button"
            className={`inline-flex h-7 min-w-0 items-center gap-1.5 rounded-full px-3 hover:bg-hover pointer-coarse:h-10 ${active ? "pr-1.5" : ""}`}
          >
            <span className="text-muted">{label}:</span>
            <span className="max-w-48 min-w-0 truncate font-medium">{words}</span>
            {!active && <ChevronDown aria-hidden className="size-3.5 text-muted" />}
          </button>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            align="start"
            sideOffset={6}
            collisionPadding={12}
            aria-label={`${label} filter`}
            className="z-40 w-72 rounded-panel border border-line-strong bg-raised"
          >
            {children}
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      {active && (
        <button
          type="button"
          aria-label={`Remove the ${label.toLowerCase()} filter`}
          onClick={() => onChange([])}
          className="mr-0.5 inline-flex size-6 items-center justify-center rounded-full text-muted hover:bg-hover hover:text-ink pointer-coarse:size-10"
        >
          <X aria-hidden className="size-3.5" />
        </button>
      )}
    </span>
  );
}

/** A list to choose several from, with a field that narrows it. */
export function PickList({
  label,
  chosen,
  find,
  onSearch,
  onChange,
}: {
  label: string;
  chosen: string[];
  /** What there is for what was typed; undefined while it loads. */
  find: (search: string) => Pick[] | undefined;
  /** Told what was typed, where the server does the searching. */
  onSearch?: (search: string) => void;
  onChange: (values: string[]) => void;
}) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const picks = find(text.trim());
  const listId = useId();
  const current = Math.min(active, (picks?.length ?? 0) - 1);
  const toggle = (pick: Pick | undefined) => {
    if (!pick) return;
    onChange(
      chosen.includes(pick.value)
        ? chosen.filter((v) => v !== pick.value)
        : [...chosen, pick.value],
    );
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const count = picks?.length ?? 0;
    if (step !== 0 && count > 0) {
      event.preventDefault();
      const next = (current + step + count) % count;
      setActive(next);
      document.getElementById(`${listId}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      toggle(picks?.[current]);
    }
  };
  return (
    <>
      <input
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={current >= 0 ? `${listId}-${current}` : undefined}
        aria-label={`Search ${label.toLowerCase()}`}
        placeholder={`Search ${label.toLowerCase()}`}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          setActive(0);
          onSearch?.(e.target.value.trim());
        }}
        onKeyDown={onKey}
        className="h-10 w-full border-b border-line bg-transparent px-3 outline-none placeholder:text-faint pointer-coarse:text-[1rem]"
      />
      <div
        id={listId}
        role="listbox"
        aria-label={label}
        aria-multiselectable
        className="max-h-64 overflow-y-auto p-1.5"
      >
        {picks?.map((pick, i) => {
          const isChosen = chosen.includes(pick.value);
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above handles the keys
            // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox
            <div
              key={pick.value}
              id={`${listId}-${i}`}
              role="option"
              aria-selected={isChosen}
              onClick={() => toggle(pick)}
              onPointerMove={() => setActive(i)}
              className={`flex min-h-8 cursor-pointer items-center gap-2 rounded-control px-2 pointer-coarse:min-h-11 ${i === current ? "bg-hover" : ""}`}
            >
              <Check
                aria-hidden
                className={`size-3.5 shrink-0 text-accent ${isChosen ? "" : "invisible"}`}
              />
              <span className="min-w-0 truncate">{pick.label}</span>
              {pick.note && (
                <span className="ml-auto shrink-0 text-small text-faint">{pick.note}</span>
              )}
            </div>
          );
        })}
      </div>
      {picks?.length === 0 && (
        <p role="status" className="px-3 pb-3 text-muted">
          {text.trim() ? `Nothing has “${text.trim()}” in its name.` : "There is none yet."}
        </p>
      )}
      {picks === undefined && (
        <p role="status" className="px-3 pb-3 text-muted">
          Loading…
        </p>
      )}
    </>
  );
}
