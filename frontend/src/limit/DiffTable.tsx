import { Equal, Minus, PenLine, Plus } from "lucide-react";
import { Badge } from "~/ui/Badge";
import { plural } from "~/ui/format";
import { type Column, Table } from "~/ui/Table";
import type { FieldDiff, LimitChange, LimitDiff } from "./diff";

const icon = "size-3";
const looks = {
  added: { kind: "good", label: "Added", icon: <Plus aria-hidden className={icon} /> },
  removed: { kind: "bad", label: "Removed", icon: <Minus aria-hidden className={icon} /> },
  changed: { kind: "soft", label: "Changed", icon: <PenLine aria-hidden className={icon} /> },
  same: { kind: "neutral", label: "Same", icon: <Equal aria-hidden className={icon} /> },
} as const;

type Row = FieldDiff & { name: string; change: LimitChange; first: boolean };

/** What differs between two sets of limits, a line for each field; told without colour too. */
export function DiffTable({
  diffs,
  before,
  after,
  maxHeight,
}: {
  diffs: readonly LimitDiff[];
  /** What the two columns are of, such as “Version 3”. */
  before: string;
  after: string;
  maxHeight?: string;
}) {
  const rows = diffs.flatMap(({ name, change, fields }) =>
    fields.map((f, i): Row => ({ ...f, name, change, first: i === 0 })),
  );
  const same = diffs.filter((d) => d.change === "same").length;
  if (rows.length === 0)
    return (
      <p className="px-4 pb-3 text-muted">
        {same === 0 ? "Neither has a limit." : `No difference in ${plural(same, "limit")}.`}
      </p>
    );
  return (
    <>
      <Table
        label={`Limits of ${before} and ${after}`}
        columns={columns(before, after)}
        rows={rows}
        rowKey={(r) => `${r.change} ${r.name} ${r.field}`}
        {...(maxHeight && { maxHeight })}
      />
      {same > 0 && (
        <p className="border-t border-line px-4 py-2 text-small text-faint">
          {plural(same, "other limit")}: no difference.
        </p>
      )}
    </>
  );
}

const columns = (before: string, after: string): Column<Row>[] => [
  {
    id: "limit",
    head: "Limit",
    cell: (r) => (
      <span className={r.first ? "flex flex-wrap items-center gap-x-2 gap-y-1" : "sr-only"}>
        <span className="font-medium">{r.name}</span>
        <Badge kind={looks[r.change].kind} icon={looks[r.change].icon}>
          {looks[r.change].label}
        </Badge>
      </span>
    ),
  },
  {
    id: "field",
    head: "What",
    from: "sm",
    cell: (r) => <span className="text-muted">{r.field}</span>,
  },
  { id: "before", head: before, cell: (r) => <Text row={r} of={r.before} gone /> },
  { id: "after", head: after, cell: (r) => <Text row={r} of={r.after} /> },
];

function Text({ row, of, gone = false }: { row: Row; of: string | null; gone?: boolean }) {
  if (of === null) return <span className="text-faint">–</span>;
  return (
    <span className={gone ? "text-muted" : "font-medium"}>
      {row.change === "changed" && (
        <span className="block text-small font-normal text-faint sm:hidden">{row.field}</span>
      )}
      {of}
    </span>
  );
}
