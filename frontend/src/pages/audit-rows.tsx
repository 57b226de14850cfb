import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import type { Column } from "~/ui/Table";
import { When } from "~/ui/When";
import type { AuditRow } from "./Audit";
import { actionWords } from "./audit-words";

/** What a change did, in a few words. */
export function summary(changes: AuditRow["changes"]): string {
  const [first] = changes;
  if (!first) return "";
  if (changes.length > 2) return `${changes.length} fields`;
  return changes.map((c) => `${c.path}: ${c.before ?? "–"} → ${c.after ?? "–"}`).join(", ");
}

export function auditColumns(
  nowMS: number,
  onOpen: (seq: number) => void,
  onNarrow: (changes: Record<string, string>) => void,
): Column<AuditRow>[] {
  return [
    {
      id: "at",
      head: "When",
      cell: (r) => <When at={r.at} nowMS={nowMS} className="whitespace-nowrap text-muted" />,
    },
    {
      id: "actor",
      head: "Who",
      from: "sm",
      stacks: true,
      cell: (r) =>
        r.actor.id ? (
          <button
            type="button"
            className="max-w-40 truncate rounded-control hover:text-accent hover:underline max-sm:max-w-20"
            title={`Only what ${r.actor.name} did`}
            onClick={() => onNarrow({ actor: r.actor.id ?? "" })}
          >
            {r.actor.name}
          </button>
        ) : (
          <span className="text-muted">{r.actor.kind === "SYSTEM" ? "Weir" : r.actor.name}</span>
        ),
    },
    {
      id: "action",
      head: "What",
      cell: (r) => (
        <button
          type="button"
          className="rounded-control text-left font-medium hover:text-accent hover:underline"
          onClick={() => onOpen(r.seq)}
        >
          {actionWords(r.action)}
          <span className="sr-only">, record {r.seq}</span>
        </button>
      ),
    },
    {
      id: "object",
      head: "Of",
      cell: (r) => (
        <span className="block max-w-56 truncate max-sm:max-w-28" title={r.object.id ?? undefined}>
          {r.object.name || (r.object.id ?? <span className="text-faint">–</span>)}
        </span>
      ),
    },
    {
      id: "account",
      head: "Account",
      from: "lg",
      cell: (r) =>
        r.account ? (
          <AppLink
            to={paths.account(r.account.id)}
            title={r.account.name}
            className="block max-w-48 truncate font-medium hover:text-accent hover:underline"
          >
            {r.account.name}
          </AppLink>
        ) : (
          <span className="text-faint">–</span>
        ),
    },
    {
      id: "changes",
      head: "Changed",
      from: "md",
      cell: (r) => (
        <code className="block max-w-60 truncate font-mono text-small text-muted">
          {summary(r.changes)}
        </code>
      ),
    },
    {
      id: "seq",
      head: "Record",
      from: "xl",
      numeric: true,
      cell: (r) => <span className="text-faint">{r.seq}</span>,
    },
  ];
}
