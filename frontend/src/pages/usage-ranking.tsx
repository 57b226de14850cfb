import type { ReactNode } from "react";
import { type GroupRow, inFull } from "~/explore/figures";
import { Panel } from "~/ui/Panel";

/** A custom meter's amounts as bars; it has no points over time. */
export function MeterRanking({
  title,
  unit,
  total,
  rows,
  children,
}: {
  title: string;
  unit: string;
  total: number | undefined;
  rows: GroupRow[];
  /** What stands in for the bars: loading, empty, an error. */
  children?: ReactNode;
}) {
  const most = Math.max(1, ...rows.map((r) => r.value ?? 0));
  return (
    <Panel title={title} note={unit}>
      {children ?? (
        <>
          <p className="px-4 pb-3 text-figure font-semibold">
            {inFull(total ?? 0, "units")} <span className="text-title text-muted">{unit}</span>
          </p>
          <ol className="flex flex-col gap-1.5 px-4 pb-4">
            {rows.map((row) => (
              <li key={row.id} className="grid grid-cols-[minmax(0,12rem)_1fr] items-center gap-3">
                <span className="truncate" title={row.label}>
                  {row.label}
                </span>
                <span className="flex items-center gap-2">
                  <span
                    aria-hidden
                    className="h-3 min-w-px rounded-control bg-group-1"
                    style={{ width: `${(Math.max(0, row.value ?? 0) / most) * 75}%` }}
                  />
                  {inFull(row.value, "units")}
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
    </Panel>
  );
}
