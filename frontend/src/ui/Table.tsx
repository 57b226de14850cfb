import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useMemo, useState } from "react";
import { nextSort, type Sort, type SortValue, sorted } from "./sort";
import { Skeleton } from "./states";
import { useWidths, type Width, widths } from "./width";

export type Column<T> = {
  id: string;
  head: string;
  cell: (row: T) => ReactNode;
  /** Makes the column sortable. */
  sort?: (row: T) => SortValue;
  numeric?: boolean;
  /** From which width on the column is shown; the first ones always are. */
  from?: Width;
  /** Where there is no room for the column, it is told of in the row's first cell. */
  stacks?: boolean;
  /** The head is only read out: for columns of buttons. */
  hideHead?: boolean;
};

const shownFrom = {
  sm: "max-sm:hidden",
  md: "max-md:hidden",
  lg: "max-lg:hidden",
  xl: "max-xl:hidden",
};

/** The space at a row's end, for a column that is the last one until there is more room. */
const lastBelow = {
  sm: "max-sm:pr-4",
  md: "max-md:pr-4",
  lg: "max-lg:pr-4",
  xl: "max-xl:pr-4",
};

type Props<T> = {
  label: string;
  columns: Column<T>[];
  rows: readonly T[] | undefined;
  rowKey: (row: T) => string;
  initialSort?: Sort;
  /** Sorting that is kept elsewhere, such as in the URL. */
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** How many rows stand in while the real ones load. */
  skeletonRows?: number;
  /** Scrolls inside, below a head that stays. */
  maxHeight?: string;
};

/** Dense rows, sortable; up and down move between the rows' links, buttons and checkboxes. */
export function Table<T>(props: Props<T>) {
  const { label, columns, rows, rowKey, skeletonRows = 5, maxHeight } = props;
  const [ownSort, setOwnSort] = useState<Sort | undefined>(props.initialSort);
  const sort = props.sort ?? ownSort;
  const reached = useWidths();
  const stacked = columns.filter((c) => c.stacks && c.from && !reached.includes(c.from));
  const ordered = useMemo(() => {
    const by = columns.find((c) => c.id === sort?.column)?.sort;
    return rows && sort && by ? sorted(rows, by, sort.descending) : rows;
  }, [rows, columns, sort]);

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div
      role="group"
      className={`relative overflow-auto ${maxHeight ?? ""}`}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
      tabIndex={0}
    >
      <table className="w-full border-collapse text-left" onKeyDown={moveBetweenRows}>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell
                key={column.id}
                column={column}
                columns={columns}
                sort={sort}
                onSort={(next) => {
                  setOwnSort(next);
                  props.onSort?.(next);
                }}
              />
            ))}
          </tr>
        </thead>
        <tbody aria-busy={rows === undefined}>
          {ordered?.map((row) => (
            <tr key={rowKey(row)} className="border-t border-line hover:bg-hover">
              {columns.map((column, i) => (
                <td
                  key={column.id}
                  className={`h-10 px-2.5 py-1 first:pl-4 last:pr-4 ${cellClass(column as Column<never>, columns as Column<never>[])}`}
                >
                  {column.cell(row)}
                  {i === 0 && stacked.length > 0 && <Stacked columns={stacked} row={row} />}
                </td>
              ))}
            </tr>
          )) ??
            Array.from({ length: skeletonRows }, (_, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: stand-ins have no identity
              <tr key={i} className="border-t border-line">
                {columns.map((column) => (
                  <td
                    key={column.id}
                    className={`h-10 px-2.5 first:pl-4 last:pr-4 ${cellClass(column as Column<never>, columns as Column<never>[])}`}
                  >
                    <Skeleton className={`h-3 w-16 ${column.numeric ? "ml-auto" : ""}`} />
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}

/** What there is no room for, each with its head. */
function Stacked<T>({ columns, row }: { columns: Column<T>[]; row: T }) {
  return (
    <dl className="flex flex-col gap-y-0.5 py-0.5 text-small">
      {columns.map((column) => (
        <div key={column.id} className="flex flex-wrap items-baseline gap-x-1.5">
          <dt className="text-faint">{column.head}</dt>
          <dd className="min-w-0">{column.cell(row)}</dd>
        </div>
      ))}
    </dl>
  );
}

function cellClass(column: Column<never>, columns: Column<never>[]) {
  const shown = column.from ? shownFrom[column.from] : "";
  const after = columns.slice(columns.indexOf(column) + 1).map((c) => c.from);
  const next = after.includes(undefined) ? undefined : widths.find((w) => after.includes(w));
  // Numbers stand to the right: a text in the next column is to be told from them.
  const neighbour = columns[columns.indexOf(column) + 1];
  const apart = column.numeric && neighbour && !neighbour.numeric ? "sm:pr-8" : "";
  return `${shown} ${next ? lastBelow[next] : ""} ${apart} ${column.numeric ? "text-right whitespace-nowrap" : ""}`;
}

function HeadCell<T>({
  column,
  columns,
  sort,
  onSort,
}: {
  column: Column<T>;
  columns: Column<T>[];
  sort: Sort | undefined;
  onSort: (sort: Sort) => void;
}) {
  const active = sort?.column === column.id;
  const Arrow = sort?.descending ? ArrowDown : ArrowUp;
  const neutral = sort ?? { column: "", descending: false };
  return (
    <th
      scope="col"
      aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}
      className={`sticky top-0 z-10 h-8 bg-surface px-2.5 text-small first:pl-4 last:pr-4 font-medium whitespace-nowrap text-faint ${cellClass(column as Column<never>, columns as Column<never>[])}`}
    >
      {column.hideHead ? (
        <span className="sr-only">{column.head}</span>
      ) : column.sort ? (
        <button
          type="button"
          onClick={() => onSort(nextSort(neutral, column.id, column.numeric ?? false))}
          className={`-mx-1 inline-flex items-center gap-1 align-bottom rounded-control px-1 hover:text-ink ${column.numeric ? "flex-row-reverse" : ""} ${active ? "text-ink" : ""}`}
        >
          {column.head}
          <Arrow aria-hidden className={`size-3 ${active ? "" : "invisible"}`} />
        </button>
      ) : (
        column.head
      )}
    </th>
  );
}

/** What up and down stop at. */
const stops = "a, button, input[type=checkbox]";

function moveBetweenRows(event: KeyboardEvent<HTMLTableElement>) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const row = (event.target as Element).closest("tbody tr");
  if (!row || !(event.target as Element).matches(stops)) return;
  const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
  const link = next?.querySelector<HTMLElement>(stops);
  if (!link) return;
  event.preventDefault();
  link.focus();
}
