import { useMemo } from "react";
import { useRange } from "~/app/location";
import { type Granularity, granularityMS } from "~/app/range";
import type { VerdictTotals } from "~/limit/verdicts";
import { ChartPanel } from "~/ui/ChartPanel";
import type { Series, SeriesKind } from "~/ui/chart-series";
import { exact } from "~/ui/format";
import { EmptyState, Loading, Skeleton } from "~/ui/states";
import type { Effect } from "./LimitPage";

const perBucket: Record<Granularity, string> = {
  MINUTE: "minute",
  HOUR: "hour",
  DAY: "day",
  MONTH: "month",
};
const monthS = 30 * 86_400;

const lines: Array<{ label: string; kind: SeriesKind; of: (t: VerdictTotals) => number }> = [
  { label: "Denied", kind: "throttled", of: (t) => t.denied },
  { label: "Over, let through", kind: "soft", of: (t) => t.over },
  { label: "Would have been denied", kind: "shadow", of: (t) => t.shadowed },
  { label: "Let through unchecked", kind: "errors", of: (t) => t.failedOpen },
];

/** What a limit did over time. Dragging sets the global range. */
export function EffectChart({
  id,
  effect,
  granularity,
}: {
  id: string;
  effect: Effect | undefined;
  granularity: Granularity;
}) {
  const { setRange } = useRange();
  const { at, series } = useMemo(() => columns(effect), [effect]);
  const per = perBucket[granularity];
  return (
    <ChartPanel
      title="Effect"
      note={`per ${per}`}
      file={`weir-limit-${id}`}
      label={`Requests per ${per} that the limit denied, let through over it, would have denied, or let through unchecked`}
      unit={`requests per ${per}`}
      at={at}
      bucketS={granularity === "MONTH" ? monthS : granularityMS[granularity] / 1000}
      series={series}
      format={exact.format}
      height={240}
      onZoom={(fromMS, toMS) => setRange({ preset: null, fromMS, toMS })}
    >
      {effect === undefined ? (
        <Loading what="the effect">
          <Skeleton className="mx-4 mb-3 h-[16.875rem]" />
        </Loading>
      ) : series.length === 0 ? (
        <div className="flex min-h-[17.625rem] flex-col justify-center">
          <EmptyState title="It did nothing in this time">
            Every request that it counts was within it. Choose a longer time range to look further
            back.
          </EmptyState>
        </div>
      ) : undefined}
    </ChartPanel>
  );
}

/** A series for each kind of verdict that occurred. */
function columns(effect: Effect | undefined): { at: number[]; series: Series[] } {
  const points = effect?.points ?? [];
  const occurred = lines.filter((line) => effect && line.of(effect.totals) > 0);
  return {
    at: points.map((p) => Date.parse(p.at) / 1000),
    series: occurred.map(({ label, kind, of }) => ({
      label,
      kind,
      values: points.map((p) => of(p.totals)),
    })),
  };
}
