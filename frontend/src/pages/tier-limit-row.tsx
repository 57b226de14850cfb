import { ArrowDown, ArrowUp, ChevronRight, Eye, Trash2 } from "lucide-react";
import { useId } from "react";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { ModeBadge } from "~/limit/ModeBadge";
import { sentence } from "~/limit/words";
import { IconButton } from "~/ui/Button";
import { type Catalog, type LimitDraft, wordsOf } from "./tier-form";
import { LimitFieldset } from "./tier-limit-fields";

/** What limits did lately, in a few words, by their ids. */
export type Deeds = ReadonlyMap<string, string>;

/** One limit: what it does, in a sentence; below it, when opened, its form. */
export function LimitRow({
  limit,
  index,
  count,
  catalog,
  deed,
  open,
  problemAt,
  onToggle,
  onChange,
  onShadow,
  onMove,
  onRemove,
}: {
  limit: LimitDraft;
  index: number;
  /** How many rows there are. */
  count: number;
  catalog: Catalog;
  deed: string | undefined;
  open: boolean;
  problemAt: (field: string) => string | undefined;
  onToggle: () => void;
  onChange: (changed: Partial<LimitDraft>, field: string) => void;
  onShadow: () => void;
  /** Moves the row by one: up is -1, down is 1. */
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}) {
  const formId = useId();
  const title = limit.name || `limit ${index + 1}`;
  const words = wordsOf(limit, catalog);
  const shown = open || fieldsOf(limit).some((field) => problemAt(field) !== undefined);
  return (
    <li data-row={limit.key}>
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 px-2 py-1.5">
        <button
          type="button"
          aria-expanded={shown}
          aria-controls={formId}
          onClick={onToggle}
          className="flex min-w-0 grow basis-64 items-start gap-2 rounded-control px-2 py-1 text-left hover:bg-hover"
        >
          <ChevronRight
            aria-hidden
            className={`mt-0.5 size-4 shrink-0 text-faint transition-transform ${shown ? "rotate-90" : ""}`}
          />
          <span className="min-w-0">
            <span className="block font-mono text-small font-medium">{title}</span>{" "}
            <span className="block text-muted">
              {words ? sentence(words) : "Not complete yet: it needs an amount"}
            </span>
          </span>
        </button>
        <span className="flex items-center gap-1 max-sm:ml-6">
          {limit.id !== null && (
            <AppLink
              to={paths.limit(limit.id)}
              className="px-2 text-small whitespace-nowrap text-muted hover:text-accent hover:underline"
            >
              {deed ?? "Effect"}
              <span className="sr-only"> of {title}</span>
            </AppLink>
          )}
          {limit.mode !== "ENFORCE" && <ModeBadge mode={limit.mode} />}
          {limit.mode !== "SHADOW" && (
            <IconButton label={`Try a stricter copy of ${title} in shadow`} onClick={onShadow}>
              <Eye aria-hidden className="size-4" />
            </IconButton>
          )}
          {count > 1 && (
            <>
              <MoveButton title={title} by={-1} atEnd={index === 0} onMove={onMove} />
              <MoveButton title={title} by={1} atEnd={index === count - 1} onMove={onMove} />
            </>
          )}
          <IconButton label={`Remove ${title}`} onClick={onRemove}>
            <Trash2 aria-hidden className="size-4" />
          </IconButton>
        </span>
      </div>
      <div id={formId} hidden={!shown}>
        {shown && (
          <LimitFieldset
            title={title}
            limit={limit}
            catalog={catalog}
            problemAt={problemAt}
            onChange={onChange}
          />
        )}
      </div>
    </li>
  );
}

/** At an end it stays in the tab order, so that who has moved a row there keeps the focus. */
function MoveButton({
  title,
  by,
  atEnd,
  onMove,
}: {
  title: string;
  by: -1 | 1;
  atEnd: boolean;
  onMove: (by: -1 | 1) => void;
}) {
  const Icon = by === -1 ? ArrowUp : ArrowDown;
  return (
    <IconButton
      label={`Move ${title} ${by === -1 ? "up" : "down"}`}
      data-move={by}
      aria-disabled={atEnd || undefined}
      className="aria-disabled:opacity-50"
      onClick={() => !atEnd && onMove(by)}
    >
      <Icon aria-hidden className="size-4" />
    </IconButton>
  );
}

const limitFields = [
  "id",
  "name",
  "subject",
  "selector",
  "endpointId",
  "groupId",
  "measure",
  "kind",
  "amount",
  "period",
  "burst",
  "mode",
  "gracePercent",
  "graceSeconds",
  "failMode",
  "refundErrors",
  "adaptive",
];
const adaptiveFields = ["errorPercent", "slowMs", "slowPercent", "floorPercent"].map(
  (field) => `adaptive.${field}`,
);

/** The fields whose mistakes this row shows, as paths below the limit. */
const fieldsOf = (limit: LimitDraft) =>
  limit.adaptive === null ? limitFields : [...limitFields, ...adaptiveFields];

/** Whether a row shows the mistake at this path. */
export function isLimitField(path: string): boolean {
  const field = /^limits\.\d+\.(.+)$/.exec(path)?.[1];
  return field !== undefined && (limitFields.includes(field) || adaptiveFields.includes(field));
}
