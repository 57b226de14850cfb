import { Download, Grid3x3, Table2 } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useRange } from "~/app/location";
import { inFull, onAxis, type Shown } from "~/explore/figures";
import { heatScale, heatStep, hourWords, weekdays } from "~/explore/heat";
import { filterInput, measures } from "~/explore/question";
import type { Asked } from "~/explore/useQuestion";
import { Button } from "~/ui/Button";
import { csv, download } from "~/ui/csv";
import { plural } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { Notice, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { standIn } from "./usage-states";

const HeatQuery = graphql(`
  query UsageHeat($input: HeatMapInput!) {
    heatMap(input: $input) {
      cells {
        weekday
        hour
        occurrences
        total
        mean
      }
      total
    }
  }
`);

type Cell = ResultOf<typeof HeatQuery>["heatMap"]["cells"][number];
const everyMS = 60_000;
const weekMS = 7 * 86_400_000;

/** When in the week usage comes: the mean of each hour. */
export function UsageHeat({ asked }: { asked: Asked }) {
  const { from, to, window, setRange } = useRange();
  const isShort = window.toMS - window.fromMS < weekMS;
  const { question: q, zone } = asked;
  const [asTable, setAsTable] = useState(false);
  const measure = measures[q.measure];
  // Latencies have no sum; the measure's list doesn't offer them here.
  const shown: Shown = measure.unit === "ms" ? measures.requests : measure;
  const heading = measure.unit === "ms" ? measures.requests.label : measure.label;
  const heat = usePolled({
    query: HeatQuery,
    variables: {
      input: { from, to, timeZone: zone, filter: filterInput(q.filter), measure: measure.rank },
    },
    everyMS,
    key: `${measure.rank} ${zone}`,
    pause: asked.waiting,
  });
  const cells = heat.data?.heatMap.cells ?? [];
  const save = () =>
    download(
      "weir-usage-hours.csv",
      csv(
        ["weekday", "hour", "occurrences", "total", "mean"],
        cells.map((c) => [weekdays[c.weekday - 1] ?? "", c.hour, c.occurrences, c.total, c.mean]),
      ),
    );
  const instead = standIn(heat, heat.data?.heatMap.total === 0, asked, "the hours of the week");
  return (
    <>
      {heat.data && !instead && <StaleNotice error={heat.error} retry={heat.reload} />}
      {isShort && (
        <Notice kind="info">
          <span className="grow">The time range has less than one week of hours.</span>
          <Button onClick={() => setRange({ preset: "30d" })}>Last 30 days</Button>
        </Notice>
      )}
      <Panel
        title={`${heading} by hour of the week`}
        note={`mean per hour, in ${zone}`}
        actions={
          <>
            <Button
              kind="quiet"
              aria-pressed={asTable}
              onClick={() => setAsTable(!asTable)}
              icon={
                asTable ? (
                  <Grid3x3 aria-hidden className="size-4" />
                ) : (
                  <Table2 aria-hidden className="size-4" />
                )
              }
            >
              <span className="max-sm:sr-only">{asTable ? "Map" : "Table"}</span>
            </Button>
            <Button
              kind="quiet"
              disabled={cells.length === 0}
              onClick={save}
              icon={<Download aria-hidden className="size-4" />}
            >
              <span className="max-sm:sr-only">CSV</span>
            </Button>
          </>
        }
      >
        {instead ??
          (asTable ? (
            <HeatTable cells={cells} shown={shown} heading={heading} />
          ) : (
            <HeatGrid cells={cells} shown={shown} heading={heading} />
          ))}
      </Panel>
    </>
  );
}

const fills = ["bg-hover", "bg-heat-1", "bg-heat-2", "bg-heat-3", "bg-heat-4", "bg-heat-5"];
const hours = Array.from({ length: 24 }, (_, hour) => hour);

type GridProps = { cells: Cell[]; shown: Shown; heading: string };

function HeatGrid({ cells, shown, heading }: GridProps) {
  const [active, setActive] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null);
  const grid = useRef<HTMLTableElement>(null);
  const scale = heatScale(cells.map((c) => c.mean));
  const words = (c: Cell | undefined) => c && sayCell(c, shown);
  const onKey = (event: KeyboardEvent) => {
    const next = step(event.key, active);
    if (next === null) return;
    event.preventDefault();
    setActive(next);
    grid.current?.querySelector<HTMLElement>(`[data-cell="${next}"]`)?.focus();
  };
  return (
    <div className="min-w-0 px-4 pb-4">
      <p className="min-h-6 pb-1 text-small text-muted">
        {pointed === null
          ? "Point at an hour, or move through them with the arrow keys."
          : words(cells[pointed])}
      </p>
      <table
        ref={grid}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its cells are moved through with the arrow keys
        role="grid"
        aria-label={`${heading}, mean by hour of the week`}
        className="w-full table-fixed border-separate border-spacing-px"
        onKeyDown={onKey}
        onPointerLeave={() => setPointed(null)}
      >
        <thead>
          <tr>
            <th scope="col" className="w-9 md:w-12">
              <span className="sr-only">Day</span>
            </th>
            {hours.map((hour) => (
              <th
                key={hour}
                scope="col"
                className="text-left text-small font-normal whitespace-nowrap text-faint"
              >
                <span className="sr-only">{hourWords(hour)}</span>
                {hour % 6 === 0 && <span aria-hidden>{String(hour).padStart(2, "0")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weekdays.map((day, d) => (
            <tr key={day}>
              <th scope="row" className="text-left text-small font-normal text-muted">
                <span aria-hidden>{day.slice(0, 3)}</span>
                <span className="sr-only">{day}</span>
              </th>
              {hours.map((hour) => {
                const i = d * 24 + hour;
                const cell = cells[i];
                return (
                  <td
                    key={hour}
                    data-cell={i}
                    tabIndex={i === active ? 0 : -1}
                    aria-label={words(cell)}
                    onFocus={() => {
                      setActive(i);
                      setPointed(i);
                    }}
                    onBlur={() => setPointed(null)}
                    onPointerEnter={() => setPointed(i)}
                    className={`h-7 rounded-[3px] focus-visible:outline-offset-0 md:h-8 ${fills[heatStep(cell?.mean ?? null, scale)]}`}
                  />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <HeatLegend scale={scale} shown={shown} />
    </div>
  );
}

function HeatLegend({ scale, shown }: { scale: number[]; shown: Shown }) {
  return (
    <ul
      aria-label="What the shades stand for"
      className="flex flex-wrap items-center gap-x-3 gap-y-1 pt-3 text-small text-muted"
    >
      <li className="inline-flex items-center gap-1.5">
        <span aria-hidden className="size-3 rounded-[3px] bg-hover" />
        none
      </li>
      {scale.map((end, i) => (
        <li key={end} className="inline-flex items-center gap-1.5">
          <span aria-hidden className={`size-3 rounded-[3px] ${fills[i + 1]}`} />
          up to {onAxis(end, shown.unit)}
        </li>
      ))}
    </ul>
  );
}

/** Where a key leads to from a cell; null when it leads nowhere. */
function step(key: string, from: number): number | null {
  const column = from % 24;
  if (key === "ArrowRight" && column < 23) return from + 1;
  if (key === "ArrowLeft" && column > 0) return from - 1;
  if (key === "ArrowDown" && from < 6 * 24) return from + 24;
  if (key === "ArrowUp" && from >= 24) return from - 24;
  if (key === "Home") return from - column;
  return key === "End" ? from + 23 - column : null;
}

function sayCell(cell: Cell, shown: Shown): string {
  const when = `${weekdays[cell.weekday - 1]} ${hourWords(cell.hour)}`;
  if (cell.mean === null) return `${when}: not in this range`;
  return `${when}: ${sayMean(cell.mean, shown)}, from ${plural(cell.occurrences, "week")}`;
}

function sayMean(mean: number, { unit }: Shown): string {
  const noun = unit === "requests" ? " requests" : unit === "units" ? " units" : "";
  return `${mean < 100 && unit !== "bytes" ? onAxis(mean, unit) : inFull(mean, unit)}${noun}`;
}

/** The same numbers as rows of hours. */
function HeatTable({ cells, shown, heading }: GridProps) {
  const columns: Column<number>[] = [
    { id: "hour", head: "Hour", sort: (h) => h, cell: (h) => hourWords(h) },
    ...weekdays.map((day, d): Column<number> => {
      const at = (hour: number) => cells[d * 24 + hour]?.mean ?? null;
      return {
        id: day,
        head: day.slice(0, 3),
        numeric: true,
        sort: at,
        cell: (hour) => {
          const mean = at(hour);
          return mean === null ? "–" : onAxis(mean, shown.unit);
        },
      };
    }),
  ];
  return (
    <Table
      label={`${heading}, mean by hour of the week, as a table`}
      columns={columns}
      rows={hours}
      rowKey={String}
      initialSort={{ column: "hour", descending: false }}
    />
  );
}
