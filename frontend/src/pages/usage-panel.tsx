import { type ReactNode, useMemo } from "react";
import { type FragmentOf, graphql, type ResultOf, readFragment } from "~/api/gql";
import type { Polled } from "~/api/polled";
import { useRange } from "~/app/location";
import { NoRequests } from "~/app/NoRequests";
import { type Granularity, granularityMS } from "~/app/range";
import type { Limit } from "~/limit/fields";
import { brief } from "~/limit/words";
import { ChartPanel } from "~/ui/ChartPanel";
import type { LimitLine, Series } from "~/ui/chart-series";
import { bytes, duration, exact, percent, ratio } from "~/ui/format";
import { ErrorState, Loading, Skeleton } from "~/ui/states";

export const usageTotals = graphql(`
  fragment UsageTotals on Totals {
    requests
    allowed
    throttled
    refused
    errors
    bytesIn
    bytesOut
    latency {
      p50
      p95
      p99
    }
  }
`);

export type UsageTotals = ResultOf<typeof usageTotals>;
type Masked = FragmentOf<typeof usageTotals>;
export type UsageAnswer = {
  usage: { points: Array<{ at: string; totals: Masked }>; totals: Masked };
};

const perBucket: Record<Granularity, string> = {
  MINUTE: "minute",
  HOUR: "hour",
  DAY: "day",
  MONTH: "month",
};
const monthS = 30 * 86_400;

type RateLimit = Pick<
  Limit,
  "name" | "subject" | "selector" | "measure" | "kind" | "mode" | "amount" | "period"
>;

const periodMS: Record<Limit["period"], number | null> = {
  SECOND: 1_000,
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
  MONTH: null,
  BILLING: null,
};

/**
 * The limits on an account's requests as a whole, in the chart's unit. A limit
 * over a longer time than a bucket says nothing about one bucket, so it gets
 * no line; neither does a quota, which doesn't come back bucket by bucket.
 */
export function limitLines(limits: RateLimit[], granularity: Granularity): LimitLine[] {
  if (granularity === "MONTH") return [];
  const bucketMS = granularityMS[granularity];
  return limits.flatMap((l) => {
    const ms = periodMS[l.period];
    const isOfAll = l.subject === "ACCOUNT" && l.selector === "ALL" && l.measure === "REQUESTS";
    if (!isOfAll || l.kind === "QUOTA" || l.mode === "SHADOW") return [];
    if (ms === null || ms > bucketMS) return [];
    return [{ label: `${l.name} ${brief(l)}`, value: l.amount * (bucketMS / ms) }];
  });
}

const noLimits: RateLimit[] = [];

/** Usage over time as a chart, its totals below. Dragging sets the global range. */
export function UsagePanel({
  title,
  file,
  usage,
  granularity,
  limits = noLimits,
  actions,
}: {
  title: string;
  file: string;
  usage: Polled<UsageAnswer>;
  granularity: Granularity;
  limits?: RateLimit[];
  actions?: ReactNode;
}) {
  const { setRange } = useRange();
  const answer = usage.data?.usage;
  const { at, series } = useMemo(() => columns(answer), [answer]);
  const lines = useMemo(() => limitLines(limits, granularity), [limits, granularity]);
  const totals = answer && readFragment(usageTotals, answer.totals);
  return (
    <ChartPanel
      title={title}
      note={`per ${perBucket[granularity]}`}
      actions={actions}
      file={file}
      label={`Requests per ${perBucket[granularity]}, allowed, throttled and refused`}
      unit={`requests per ${perBucket[granularity]}`}
      at={at}
      bucketS={granularity === "MONTH" ? monthS : granularityMS[granularity] / 1000}
      series={series}
      limits={lines}
      format={(value) => exact.format(value)}
      height={240}
      onZoom={(fromMS, toMS) => setRange({ preset: null, fromMS, toMS })}
    >
      {stateOf(usage, totals)}
    </ChartPanel>
  );
}

/** What stands in for the chart when there is none to draw. */
function stateOf(usage: Polled<UsageAnswer>, totals: UsageTotals | undefined): ReactNode {
  if (usage.loading) {
    return (
      <Loading what="the usage">
        <Skeleton className="mx-4 mb-3 h-[16.875rem]" />
      </Loading>
    );
  }
  if (usage.error && !usage.data) {
    return <ErrorState what="the usage" error={usage.error} retry={usage.reload} />;
  }
  if (totals?.requests === 0) {
    return (
      <div className="flex min-h-[17.625rem] flex-col justify-center">
        <NoRequests title="No requests in this time" />
      </div>
    );
  }
  return undefined;
}

function columns(answer: UsageAnswer["usage"] | undefined) {
  const at = answer?.points.map((p) => Date.parse(p.at) / 1000) ?? [];
  const sums = answer?.points.map((p) => readFragment(usageTotals, p.totals)) ?? [];
  const series: Series[] = [
    { label: "Allowed", kind: "allowed", values: sums.map((t) => t.allowed) },
    { label: "Throttled", kind: "throttled", values: sums.map((t) => t.throttled) },
  ];
  if (sums.some((t) => t.refused > 0)) {
    series.push({ label: "Refused", kind: "refused", values: sums.map((t) => t.refused) });
  }
  if (sums.some((t) => t.errors > 0)) {
    series.push({ label: "Errors", kind: "errors", values: sums.map((t) => t.errors) });
  }
  return { at, series };
}

/** The sums of a range, as a row of small figures. */
export function TotalsRow({ totals }: { totals: UsageTotals | undefined }) {
  const figures: Array<[string, string | undefined]> = [
    ["Requests", totals && exact.format(totals.requests)],
    ["Allowed", totals && exact.format(totals.allowed)],
    ["Throttled", totals && withPart(totals.throttled, totals.requests)],
    ["Refused", totals && withPart(totals.refused, totals.requests)],
    ["Errors (5xx)", totals && withPart(totals.errors, totals.allowed)],
    ["Latency p50 / p95 / p99", totals && latency(totals.latency)],
    ["In / out", totals && `${bytes(totals.bytesIn)} / ${bytes(totals.bytesOut)}`],
  ];
  return (
    <dl className="panel flex flex-wrap gap-x-8 gap-y-3 px-4 py-3">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt className="text-small text-faint">{name}</dt>
          <dd className="font-medium">{value ?? <Skeleton className="my-0.5 h-4 w-16" />}</dd>
        </div>
      ))}
    </dl>
  );
}

function withPart(count: number, whole: number): string {
  const part = ratio(count, whole);
  return part === null || count === 0
    ? exact.format(count)
    : `${exact.format(count)} (${percent(part)})`;
}

const latency = (l: UsageTotals["latency"]) =>
  l.p50 === null || l.p95 === null || l.p99 === null
    ? "–"
    : [l.p50, l.p95, l.p99].map(duration).join(" / ");
