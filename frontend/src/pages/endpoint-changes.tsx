import { useState } from "react";
import { Button } from "~/ui/Button";
import { exact, plural } from "~/ui/format";
import { type Column, Table } from "~/ui/Table";
import type { Planned } from "./endpoint-import";

type Change = Planned["changes"][number];

const words = {
  CONFLICT: "left as it is",
  MISSING: "not in it",
  CHANGED: "changed",
  ADDED: "added",
  UNCHANGED: "unchanged",
} as const;

/** What a change is chosen by. */
const nameOf = (c: Change) => `${c.method} ${c.template}`;

/** Whether an import makes it, unless it is left out. */
export const isMade = (c: Change) => c.deleted || c.kind === "ADDED" || c.kind === "CHANGED";

/** What an import does: how many of each kind, and all that isn't unchanged, to choose from. */
export function EndpointChanges({
  planned,
  left,
  onLeave,
}: {
  planned: Planned;
  /** The names of the changes that are left out. */
  left: ReadonlySet<string>;
  onLeave: (left: ReadonlySet<string>) => void;
}) {
  const [most, setMost] = useState(mostShown);
  const counts = new Map<Change["kind"], number>();
  for (const c of planned.changes) counts.set(c.kind, (counts.get(c.kind) ?? 0) + 1);
  const told = planned.changes.filter((c) => c.kind !== "UNCHANGED");
  const made = planned.changes.filter(isMade);
  const choose = (c: Change, on: boolean) => {
    const next = new Set(left);
    if (on) next.delete(nameOf(c));
    else next.add(nameOf(c));
    onLeave(next);
  };
  return (
    <section aria-label="What changes" className="flex flex-col gap-2">
      <p role="status">
        <strong className="font-medium">
          {planned.title} {planned.version}
        </strong>{" "}
        has {plural(planned.changes.length - (counts.get("MISSING") ?? 0), "endpoint")}:{" "}
        {[...counts].map(([kind, n]) => `${exact.format(n)} ${words[kind]}`).join(", ") || "none"}.
      </p>
      {made.length > 1 && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields, these are buttons
        <div role="group" aria-label="Choose" className="flex flex-wrap items-center gap-x-1">
          <span className="mr-2 text-muted">
            {exact.format(made.length - left.size)} of {exact.format(made.length)} chosen; the
            others stay as they are, and are shown again with the next import
          </span>
          <Button
            kind="quiet"
            className="h-6! px-2!"
            disabled={left.size === 0}
            onClick={() => onLeave(new Set())}
          >
            Choose all
          </Button>
          <Button
            kind="quiet"
            className="h-6! px-2!"
            disabled={left.size === made.length}
            onClick={() => onLeave(new Set(made.map(nameOf)))}
          >
            Choose none
          </Button>
        </div>
      )}
      {told.length > 0 && (
        <Table
          label="Changes of endpoints"
          columns={[choice(left, choose), ...columns]}
          rows={told.slice(0, most)}
          rowKey={(c) => `${c.kind} ${c.method} ${c.template} ${c.line}`}
          maxHeight="max-h-80"
        />
      )}
      {told.length > most && (
        <p className="text-muted">
          and {exact.format(told.length - most)} more{" "}
          <Button kind="quiet" className="h-6! px-2!" onClick={() => setMost(told.length)}>
            Show all
          </Button>
        </p>
      )}
    </section>
  );
}

const mostShown = 200;

const choice = (
  left: ReadonlySet<string>,
  choose: (c: Change, on: boolean) => void,
): Column<Change> => ({
  id: "choose",
  head: "Choose",
  hideHead: true,
  cell: (c) =>
    isMade(c) && (
      <input
        type="checkbox"
        aria-label={`Choose ${nameOf(c)}`}
        className="block size-4 accent-(--accent)"
        checked={!left.has(nameOf(c))}
        onChange={(e) => choose(c, e.target.checked)}
      />
    ),
});

const columns: Column<Change>[] = [
  {
    id: "kind",
    head: "Becomes",
    cell: (c) => (
      <span className={c.kind === "CONFLICT" || c.deleted ? "text-error" : ""}>
        {c.deleted ? "deleted" : words[c.kind]}
      </span>
    ),
  },
  {
    id: "endpoint",
    head: "Endpoint",
    cell: (c) => (
      <span className="font-mono text-small break-all">
        {c.method} {c.template}
      </span>
    ),
  },
  { id: "note", head: "What to know", cell: (c) => told(c) },
];

/** What is to be known of a change, in words. */
function told(c: Change) {
  const parts = [];
  if (c.line !== null && c.kind === "CONFLICT") parts.push(`line ${c.line}`);
  if (c.note) parts.push(c.note);
  const b = c.before;
  if (b && c.kind === "CHANGED") {
    if (b.template !== c.template) parts.push(`was ${b.template}`);
    if (b.cost !== c.cost)
      parts.push(`cost ${exact.format(b.cost)} becomes ${exact.format(c.cost)}`);
    if (b.group !== c.group) parts.push(`joins ${c.group}`);
  }
  if (c.kind === "ADDED" && c.group) parts.push(`in ${c.group}`);
  if (c.kind === "ADDED" && c.cost !== 1) parts.push(`cost ${exact.format(c.cost)}`);
  if (c.usedBy.length > 0) parts.push(`named by ${c.usedBy.map((u) => u.name).join(", ")}`);
  if (c.recentRequests !== null)
    parts.push(`${plural(c.recentRequests, "request")} in the last 30 days`);
  return <span className="text-small text-muted">{parts.join("; ")}</span>;
}
