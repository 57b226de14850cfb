import { ChartLine, Download, Table2 } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { Button } from "./Button";
import { Chart, type ChartProps } from "./Chart";
import { idOf } from "./chart-series";
import { csv, download } from "./csv";
import { exact, moment, momentInZone } from "./format";
import { Panel } from "./Panel";
import { type Column, Table } from "./Table";

type Row = { at: number; values: Array<number | null> };

/** A chart with its table twin and a download of the same numbers. */
export function ChartPanel({
  title,
  note,
  actions,
  file,
  children,
  ...chart
}: ChartProps & {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  /** The download's name, without its ending. */
  file: string;
  /** What is shown instead of the chart: empty, error, loading. */
  children?: ReactNode;
}) {
  const [asTable, setAsTable] = useState(false);
  const rows = useMemo(
    () =>
      chart.at.map((at, i): Row => ({ at, values: chart.series.map((s) => s.values[i] ?? null) })),
    [chart.at, chart.series],
  );
  const columns: Column<Row>[] = [
    {
      id: "at",
      head: "Time",
      cell: (row) => (
        <time dateTime={new Date(row.at * 1000).toISOString()}>
          {chart.zone ? momentInZone(row.at * 1000, chart.zone) : moment(row.at * 1000)}
        </time>
      ),
      sort: (row) => row.at,
    },
    ...chart.series.map(
      (s, i): Column<Row> => ({
        id: idOf(s),
        head: s.label,
        numeric: true,
        cell: (row) => formatCell(row.values[i] ?? null),
        sort: (row) => row.values[i] ?? null,
      }),
    ),
  ];
  const save = () =>
    download(
      `${file}.csv`,
      csv(
        ["time", ...chart.series.map((s) => s.label.toLowerCase())],
        rows.map((row) => [new Date(row.at * 1000).toISOString(), ...row.values]),
      ),
    );
  return (
    <Panel
      title={title}
      note={note}
      actions={
        <>
          {actions}
          <Button
            kind="quiet"
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
            icon={
              asTable ? (
                <ChartLine aria-hidden className="size-4" />
              ) : (
                <Table2 aria-hidden className="size-4" />
              )
            }
          >
            <span className="max-sm:sr-only">{asTable ? "Chart" : "Table"}</span>
          </Button>
          <Button
            kind="quiet"
            disabled={rows.length === 0}
            onClick={save}
            icon={<Download aria-hidden className="size-4" />}
          >
            <span className="max-sm:sr-only">CSV</span>
          </Button>
        </>
      }
    >
      {children ??
        (asTable ? (
          <Table
            label={`${title}, as a table`}
            columns={columns}
            rows={rows}
            rowKey={(row) => String(row.at)}
            initialSort={{ column: "at", descending: true }}
            maxHeight="max-h-[22rem]"
          />
        ) : (
          <Chart {...chart} />
        ))}
    </Panel>
  );
}

const formatCell = (value: number | null) =>
  value === null ? "no data" : Number.isInteger(value) ? exact.format(value) : value.toFixed(2);
