import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "~/ui/Button";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { type Catalog, type LimitDraft, newLimit, shadowCopy } from "./tier-form";
import { type Deeds, LimitRow } from "./tier-limit-row";
import { presets } from "./tier-presets";

/** A tier's limits: a sentence each, which opens into a form. */
export function LimitRows({
  limits,
  catalog,
  deeds,
  problemAt,
  onChange,
}: {
  limits: LimitDraft[];
  catalog: Catalog;
  /** What each saved limit did lately, by its id. */
  deeds: Deeds;
  /** What is wrong with the field at this path, if anything. */
  problemAt: (path: string) => string | undefined;
  onChange: (limits: LimitDraft[], touched: string) => void;
}) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [said, setSaid] = useState("");
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  const insert = (added: LimitDraft, after = limits.length - 1) => {
    onChange(limits.toSpliced(after + 1, 0, added), "limits");
    setOpen(new Set([...open, added.key]));
    focusAmountOf(added.key);
  };
  const move = (from: number, by: -1 | 1) => {
    const moved = limits[from];
    if (!moved) return;
    onChange(limits.toSpliced(from, 1).toSpliced(from + by, 0, moved), "limits");
    setSaid(`${moved.name || "The limit"} is now ${from + by + 1} of ${limits.length}`);
    keepFocus(moved.key, by);
  };
  const names = limits.map((l) => l.name);
  return (
    <Panel title="Limits" note="A request must pass all of them, or none is charged">
      {limits.length === 0 && (
        <EmptyState title="No limits">
          Without a limit, everything of this tier’s accounts is let through. Begin with one of
          those below.
        </EmptyState>
      )}
      <ol className="divide-y divide-line border-y border-line">
        {limits.map((limit, i) => (
          <LimitRow
            key={limit.key}
            limit={limit}
            index={i}
            count={limits.length}
            catalog={catalog}
            deed={limit.id === null ? undefined : deeds.get(limit.id)}
            open={open.has(limit.key)}
            problemAt={(field) => problemAt(`limits.${i}.${field}`)}
            onToggle={() => toggle(limit.key)}
            onChange={(changed, field) =>
              onChange(
                limits.map((l) => (l.key === limit.key ? { ...l, ...changed } : l)),
                `limits.${i}.${field}`,
              )
            }
            onShadow={() => insert(shadowCopy(limit, names), i)}
            onMove={(by) => move(i, by)}
            onRemove={() =>
              onChange(
                limits.filter((l) => l.key !== limit.key),
                "limits",
              )
            }
          />
        ))}
      </ol>
      <p role="status" className="sr-only">
        {said}
      </p>
      {problemAt("limits") && (
        <p role="alert" className="px-4 pt-3 text-error">
          {problemAt("limits")}
        </p>
      )}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields, these are buttons */}
      <div
        role="group"
        aria-label="Add a limit"
        className="flex flex-wrap items-center gap-2 px-4 py-3"
      >
        <span className="text-small text-faint">Add</span>
        {presets.map((preset) => (
          <Button
            key={preset.label}
            icon={<Plus aria-hidden className="size-3.5" />}
            onClick={() => insert(newLimit(names, preset.limit))}
          >
            {preset.label}
          </Button>
        ))}
      </div>
    </Panel>
  );
}

/** A row that is put elsewhere in the page loses the focus. */
function keepFocus(key: string, by: -1 | 1) {
  requestAnimationFrame(() =>
    document.querySelector<HTMLElement>(`[data-row="${key}"] [data-move="${by}"]`)?.focus(),
  );
}

/** A new row begins where there is most to say. */
function focusAmountOf(key: string) {
  requestAnimationFrame(() => {
    const field = document.querySelector<HTMLInputElement>(
      `[data-row="${key}"] [data-amount] input`,
    );
    field?.focus();
    field?.select();
  });
}
