import { useLive } from "~/api/live";
import { useLiveSwitch } from "~/app/location";
import { duration, exact, percent, rate, ratio, short } from "~/ui/format";
import { Sparkline } from "~/ui/Sparkline";
import { Skeleton } from "~/ui/states";

type Sums = {
  requests: number;
  throttled: number;
  errors: number;
  latency: { p95: number | null };
};
type Usage = {
  points: Array<{ totals: Sums }>;
  totals: Sums & { allowed: number; refused: number };
};

const nowSeconds = 5;

/** The headline: how much, how much of it refused, how slow, how broken. */
export function Figures({ usage, span }: { usage: Usage | undefined; span: string }) {
  const totals = usage?.totals;
  const trend = (value: (sums: Sums) => number | null) =>
    usage?.points.map((p) => value(p.totals)) ?? [];
  const throttled = totals && ratio(totals.throttled, totals.requests);
  const failed = totals && ratio(totals.errors, totals.allowed);
  return (
    <dl className="panel grid grid-cols-2 lg:grid-cols-4">
      <Now total={totals?.requests} trend={trend((s) => s.requests)} span={span} />
      <Figure
        name="Throttled"
        value={throttled === undefined ? undefined : throttled === null ? null : percent(throttled)}
        note={totals && `${exact.format(totals.throttled)} requests, ${span}`}
        trend={trend((s) => ratio(s.throttled, s.requests))}
        color="text-throttled"
      />
      <Figure
        name="Latency p95"
        value={totals && (totals.latency.p95 === null ? null : duration(totals.latency.p95))}
        note={`of allowed requests, ${span}`}
        trend={trend((s) => s.latency.p95)}
        color="text-accent"
      />
      <Figure
        name="Errors"
        value={failed === undefined ? undefined : failed === null ? null : percent(failed)}
        note={totals && `${exact.format(totals.errors)} answered with 5xx, ${span}`}
        trend={trend((s) => s.errors)}
        color="text-error"
      />
    </dl>
  );
}

function Now({
  total,
  trend,
  span,
}: {
  total: number | undefined;
  trend: Array<number | null>;
  span: string;
}) {
  const { feed, connection } = useLive();
  const [on] = useLiveSwitch();
  const now = feed.buffer.rate(feed.settledMS(), nowSeconds);
  const perSecond = now && now.allowed + now.throttled + now.refused;
  // Right after connecting nothing is known yet, but in a moment it will be.
  const soon = on && connection !== "disconnected";
  const value = perSecond === null ? (soon ? undefined : null) : rate(perSecond);
  return (
    <Figure
      name="Requests now"
      value={value}
      unit="req/s"
      note={total === undefined ? undefined : `${short(total)} requests, ${span}`}
      trend={trend}
      color="text-allowed"
    />
  );
}

function Figure({
  name,
  value,
  unit,
  note,
  trend,
  color,
}: {
  name: string;
  /** Undefined while it loads, null when there is none. */
  value: string | null | undefined;
  unit?: string;
  note: string | undefined;
  trend: Array<number | null>;
  color: string;
}) {
  return (
    <div className="flex min-w-0 flex-col gap-0.5 border-line px-4 py-3 max-lg:odd:border-r max-lg:nth-[n+3]:border-t lg:not-last:border-r">
      <dt className="text-muted">{name}</dt>
      <dd className="flex h-8 items-center justify-between gap-3">
        {value === undefined ? (
          <Skeleton className="h-6 w-24" />
        ) : (
          <span className="text-figure font-semibold tracking-tight whitespace-nowrap">
            {value ?? <span className="text-faint">–</span>}
            {unit && value !== null && (
              <span className="ml-1 text-base font-normal tracking-normal text-faint">{unit}</span>
            )}
          </span>
        )}
        <Sparkline values={trend} className={`max-sm:hidden ${color}`} />
      </dd>
      <dd className="min-h-4 truncate text-small text-faint max-sm:whitespace-normal">{note}</dd>
    </div>
  );
}
