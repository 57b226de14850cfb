import { Download, ListFilter } from "lucide-react";
import { useMemo } from "react";
import { useQueryState } from "~/app/location";
import {
  change,
  changeWords,
  type GroupRow,
  groupCells,
  inFull,
  type Shown,
} from "~/explore/figures";
import { dimensions, narrowTo } from "~/explore/question";
import type { Report } from "~/explore/report";
import type { Asked } from "~/explore/useQuestion";
import { Button, IconButton } from "~/ui/Button";
import { csv, download } from "~/ui/csv";
import { exact, percent, plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { Sparkline } from "~/ui/Sparkline";
import { formatSort, parseSort, type Sort, type SortValue } from "~/ui/sort";
import { type Column, Table } from "~/ui/Table";

const largestFirst: Sort = { column: "value", descending: true };

/** One row a group: its sum, its part of the whole, how it changed, and its shape. */
export function UsageGroups({
  asked,
  rows,
  report,
  after,
  onTurn,
  shown,
  heading,
}: {
  asked: Asked;
  rows: GroupRow[] | undefined;
  report: Report | undefined;
  /** The cursor that the groups come after; null for the largest. */
  after: string | null;
  onTurn: (after: string | null) => void;
  shown: Shown;
  /** What the figures are. */
  heading: string;
}) {
  const groupCount = report?.groupCount;
  const [query, changeURL] = useQueryState();
  const { question: q } = asked;
  const compared = q.compare !== null;
  const title = q.groupBy.map((d) => dimensions[d].label).join(" and ");
  const columns = useMemo(
    () => columnsOf(title, heading, shown, compared),
    [title, heading, shown, compared],
  );
  const narrow: Column<GroupRow> = {
    id: "narrow",
    head: "Narrow",
    hideHead: true,
    numeric: true,
    cell: (row) =>
      row.values && (
        <IconButton
          label={`Only ${row.label}`}
          onClick={() => changeURL({ ...narrowTo(q.groupBy, row.values ?? []), only: null })}
        >
          <ListFilter aria-hidden className="size-4" />
        </IconButton>
      ),
  };
  const all = [...columns, narrow];
  const sort = parseSort(
    query.get("sort"),
    all.map((c) => c.id),
    largestFirst,
  );
  const save = () =>
    download(
      "weir-usage-groups.csv",
      csv(
        [title, heading, "share", ...(compared ? ["before", "change"] : [])],
        groupCells(rows ?? [], compared),
      ),
    );
  const count = rows?.filter((r) => r.values !== null).length ?? 0;
  return (
    <Panel
      title={`By ${title.toLowerCase()}`}
      note={
        groupCount !== undefined && groupCount > count
          ? `${count} of ${exact.format(groupCount)} groups`
          : groupCount !== undefined && plural(groupCount, "group")
      }
      actions={
        <Button
          kind="quiet"
          disabled={!rows?.length}
          onClick={save}
          icon={<Download aria-hidden className="size-4" />}
        >
          <span className="max-sm:sr-only">CSV</span>
        </Button>
      }
    >
      <Table
        label={`${heading} by ${title.toLowerCase()}`}
        columns={all}
        rows={rows}
        rowKey={(row) => row.id}
        sort={sort}
        onSort={(next) => changeURL({ sort: formatSort(next) })}
        skeletonRows={6}
      />
      <Pager
        page={report?.pageInfo}
        after={after}
        onTurn={onTurn}
        first="Largest"
        next="Smaller"
        note="The chart draws the groups of this page."
      />
    </Panel>
  );
}

/** Everything else comes last, whatever the order. */
const listed = (row: GroupRow, value: SortValue): SortValue => (row.values ? value : null);

function columnsOf(
  title: string,
  heading: string,
  shown: Shown,
  compared: boolean,
): Column<GroupRow>[] {
  return [
    {
      id: "group",
      head: title,
      sort: (r) => listed(r, r.label),
      cell: (r) => (
        <span
          className={`block max-w-[min(28rem,45vw)] truncate ${r.values ? "font-medium" : "text-muted"}`}
          title={r.label}
        >
          {r.label}
        </span>
      ),
    },
    {
      id: "value",
      head: heading,
      numeric: true,
      sort: (r) => listed(r, r.value),
      cell: (r) => inFull(r.value, shown.unit),
    },
    {
      id: "share",
      head: shown.unit === "ms" ? "Of requests" : "Share",
      numeric: true,
      from: "sm",
      sort: (r) => listed(r, r.share),
      cell: (r) => (r.share === null ? "–" : percent(r.share)),
    },
    ...(compared ? comparedColumns(shown) : []),
    {
      id: "shape",
      head: "Over time",
      from: "md",
      cell: (r) => <Sparkline values={r.line} className="text-muted" />,
    },
  ];
}

function comparedColumns(shown: Shown): Column<GroupRow>[] {
  return [
    {
      id: "before",
      head: "Before",
      numeric: true,
      from: "lg",
      sort: (r) => listed(r, r.before),
      cell: (r) => <span className="text-muted">{inFull(r.before, shown.unit)}</span>,
    },
    {
      id: "change",
      head: "Change",
      numeric: true,
      from: "sm",
      sort: (r) => listed(r, change(r.value, r.before)),
      cell: (r) => changeWords(r.value, r.before),
    },
  ];
}
