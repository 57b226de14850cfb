import type { ReactNode } from "react";
import type { ChangedField, Faults, Stale } from "~/api/errors";
import { Button } from "./Button";
import { Dialog, DialogActions } from "./Dialog";
import { moment } from "./format";
import { type Column, Table } from "./Table";

/**
 * Somebody else changed what is being edited: what, who and when, and whose edit is
 * to be. What was typed stays until that is said.
 */
export function StaleDialog({
  what,
  stale,
  changes,
  mine,
  busy = false,
  onTheirs,
  onMine,
  onClose,
}: {
  /** What is being edited, such as “this account”. */
  what: string;
  stale: Stale;
  /** What they changed, in better words than names of fields and values are. */
  changes?: ReactNode;
  /** What happens to what was typed when it is put on top; by default it is saved. */
  mine?: string;
  busy?: boolean;
  /** Show what they saved, and drop what was typed. */
  onTheirs: () => void;
  /** Keep what was typed, on the base of `stale.revision`. */
  onMine: () => void;
  onClose: () => void;
}) {
  const changed = stale.changed.filter((c) => !isBookkeeping(c.path));
  return (
    <Dialog title={`Somebody else changed ${what}`} onClose={onClose} wide>
      <div className="flex flex-col gap-3">
        <p className="text-muted">
          {stale.by
            ? `${stale.by} changed it${stale.at ? ` on ${moment(Date.parse(stale.at))}` : ""}, after you opened it.`
            : "It was changed after you opened it."}{" "}
          Nothing of yours is saved yet, and nothing of it is lost.
        </p>
        {changes ??
          (changed.length > 0 ? (
            <Table
              label="What they changed"
              columns={columns}
              rows={changed}
              rowKey={(c) => c.path}
              maxHeight="max-h-72"
            />
          ) : (
            <p>
              {/* Without a revision it is gone, which only the server's sentence says. */}
              {stale.revision === null ? stale.said : "What was changed isn’t known."} Take theirs
              to see it as it is now.
            </p>
          ))}
        <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 text-small text-muted">
          <dt className="font-medium text-ink">Take theirs</dt>
          <dd>shows it as they left it, and drops what you typed.</dd>
          <dt className="font-medium text-ink">Put mine on top</dt>
          <dd>{mine ?? "saves what you typed over theirs; what you left alone stays theirs."}</dd>
        </dl>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button onClick={onTheirs} data-autofocus>
            Take theirs
          </Button>
          <Button kind="primary" busy={busy} onClick={onMine}>
            Put mine on top
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

/** The dialog of an edit, or what somebody else changed since it was opened. */
export function UnlessStale({
  what,
  faults,
  mine,
  busy,
  onTheirs,
  onMine,
  onClose,
  children,
}: {
  what: string;
  /** What the edit was refused for. */
  faults: Faults | null;
  mine?: string;
  busy: boolean;
  onTheirs: () => void;
  /** Saves what was typed on the base of a revision. */
  onMine: (revision: Stale["revision"]) => void;
  onClose: () => void;
  children: ReactNode;
}) {
  if (!faults?.stale) return children;
  const { stale } = faults;
  return (
    <StaleDialog
      what={what}
      stale={stale}
      {...(mine !== undefined && { mine })}
      busy={busy}
      onTheirs={onTheirs}
      onMine={() => onMine(stale.revision)}
      onClose={onClose}
    />
  );
}

/** Fields that change with every change, and say nothing. */
const isBookkeeping = (path: string) =>
  /(^|\.)(revision|versionId|updatedAt)$|^(id|limitId)$/.test(path);

const columns: Column<ChangedField>[] = [
  { id: "path", head: "Field", cell: (c) => <span className="break-all">{c.path}</span> },
  { id: "before", head: "When you opened it", cell: (c) => <Value of={c.before} /> },
  { id: "after", head: "Now", cell: (c) => <Value of={c.after} /> },
];

function Value({ of }: { of: unknown }) {
  if (of === null || of === undefined) return <span className="text-faint">–</span>;
  const text = typeof of === "string" ? of : JSON.stringify(of);
  return <span className="line-clamp-3 break-all">{text}</span>;
}
