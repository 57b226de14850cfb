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

/** What an import does: how many of each kind, and all that isn't unchanged. */
export function EndpointChanges({ planned }: { planned: Planned }) {
  const counts = new Map<Change["kind"], number>();
  for (const c of planned.changes) counts.set(c.kind, (counts.get(c.kind) ?? 0) + 1);
  const told = planned.changes.filter((c) => c.kind !== "UNCHANGED");
  return (
    <section aria-label="What changes" className="flex flex-col gap-2">
      <p role="status">
        <strong className="font-medium">
          {planned.title} {planned.version}
        </strong>{" "}
        has {plural(planned.changes.length - (counts.get("MISSING") ?? 0), "endpoint")}:{" "}
        {[...counts].map(([kind, n]) => `${exact.format(n)} ${words[kind]}`).join(", ") || "none"}.
      </p>
      {told.length > 0 && (
        <Table
          label="Changes of endpoints"
          columns={columns}
          rows={told.slice(0, mostShown)}
          rowKey={(c) => `${c.kind} ${c.method} ${c.template} ${c.line}`}
          maxHeight="max-h-80"
        />
      )}
      {told.length > mostShown && (
        <p className="text-muted">and {exact.format(told.length - mostShown)} more</p>
      )}
    </section>
  );
}

const mostShown = 200;

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
