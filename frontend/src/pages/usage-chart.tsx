import { ChartColumnStacked, ChartSpline } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import type { Polled } from "~/api/polled";
import { useQueryState, useRange } from "~/app/location";
import { granularityMS } from "~/app/range";
import { inFull, onAxis, type Shown } from "~/explore/figures";
import { granularities } from "~/explore/question";
import type { Report } from "~/explore/report";
import { reportSeries } from "~/explore/series";
import type { Asked } from "~/explore/useQuestion";
import { Button } from "~/ui/Button";
import { ChartPanel } from "~/ui/ChartPanel";
import { mostGroups } from "~/ui/chart-series";

const monthS = 30 * 86_400;
const noTimes: number[] = [];

/** A report over time: lines, or bars on top of one another. Dragging sets the global range. */
export function UsageChart({
  asked,
  report,
  shown,
  heading,
  unit,
  actions,
  children,
}: {
  asked: Asked;
  report: Polled<Report>;
  shown: Shown;
  /** What the figures are, and of what. */
  heading: string;
  unit: string;
  actions?: ReactNode;
  /** What stands in for the chart: loading, empty, an error. */
  children?: ReactNode;
}) {
  const { setRange } = useRange();
  const [query, change] = useQueryState();
  const { question: q, granularity, zone } = asked;
  const { per } = granularities[granularity];
  const { data } = report;
  const series = useMemo(
    () => (data ? reportSeries(data, q.groupBy, shown, heading) : []),
    [data, q.groupBy, shown, heading],
  );
  const at = useMemo(() => data?.points.map((p) => Date.parse(p) / 1000) ?? noTimes, [data]);
  // Latencies don't add up.
  const canStack = shown.unit !== "ms" && q.groupBy.length > 0;
  const stacked = canStack && query.get("chart") === "bars";
  const notDrawn = Math.max(0, (data?.groups.length ?? 0) - mostGroups);
  return (
    <ChartPanel
      title={heading}
      note={
        <>
          per {per}, in {zone}
          {notDrawn > 0 && ` · the ${mostGroups} largest are drawn, all are listed below`}
        </>
      }
      file="weir-usage"
      label={`${heading} per ${per}${q.groupBy.length > 0 ? ` by ${q.groupBy.join(" and ")}` : ""}`}
      unit={shown.unit === "ms" ? "per request" : `${unit} per ${per}`}
      at={at}
      bucketS={granularity === "MONTH" ? monthS : granularityMS[granularity] / 1000}
      series={series}
      format={(value) => inFull(value, shown.unit)}
      axis={axes[shown.unit]}
      zone={zone}
      height={260}
      stacked={stacked}
      isolated={query.get("only")}
      onIsolate={(only) => change({ only })}
      onZoom={(fromMS, toMS) => setRange({ preset: null, fromMS, toMS })}
      actions={
        <>
          {actions}
          {canStack && (
            <Button
              kind="quiet"
              aria-pressed={stacked}
              onClick={() => change({ chart: stacked ? null : "bars" })}
              icon={
                stacked ? (
                  <ChartSpline aria-hidden className="size-4" />
                ) : (
                  <ChartColumnStacked aria-hidden className="size-4" />
                )
              }
            >
              <span className="max-sm:sr-only">{stacked ? "Lines" : "Stacked"}</span>
            </Button>
          )}
        </>
      }
    >
      {children}
    </ChartPanel>
  );
}

const axes = {
  requests: (value: number) => onAxis(value, "requests"),
  units: (value: number) => onAxis(value, "units"),
  bytes: (value: number) => onAxis(value, "bytes"),
  ms: (value: number) => onAxis(value, "ms"),
};
