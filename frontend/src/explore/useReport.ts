import { useMemo } from "react";
import { type Polled, usePolled } from "~/api/polled";
import { useFreshness, useRange } from "~/app/location";
import type { Granularity } from "~/app/range";
import type { Shown } from "./figures";
import { comparisons, dimensions, filterInput, measures, type Question } from "./question";
import { ExploreCounts, ExploreLatency, type Report } from "./report";

const slowEveryMS = 60_000;
const longSpanMS = 2 * 86_400_000;

/** What a question shows. A custom meter's unit is said beside its figures. */
export function shownOf(q: Question): Shown {
  return q.meter !== null ? { column: "meter", unit: "units" } : measures[q.measure];
}

/** Asks a question, and again from time to time while the live switch is on; of groups, for those after a cursor. */
export function useReport(
  q: Question,
  granularity: Granularity,
  zone: string,
  after: string | null,
  pause: boolean,
): Polled<Report> {
  const { from, to, window } = useRange();
  const fresh = useFreshness();
  const long = window.toMS - window.fromMS > longSpanMS;
  const everyMS = fresh !== null && long ? slowEveryMS : fresh;
  const measure = measures[q.measure];
  const isLatency = q.meter === null && measure.unit === "ms";
  const input = {
    from,
    to,
    granularity,
    timeZone: zone,
    groupBy: q.groupBy.map((d) => dimensions[d].value),
    filter: filterInput(q.filter),
    orderBy: measure.rank,
    top: q.top,
    after,
    compare: q.compare && comparisons[q.compare].value,
    ...(q.meter !== null && { meterIds: [q.meter], orderByMeterId: q.meter }),
  };
  const compared = q.compare !== null && q.groupBy.length > 0;
  const show = (column: string) => q.meter === null && measure.column === column;
  // Figures of one question never stand under the headings of another.
  const key = JSON.stringify([q.groupBy, q.measure, q.meter, q.compare, zone, after]);
  const counts = usePolled({
    query: ExploreCounts,
    variables: {
      input,
      requests: show("requests"),
      throttled: show("throttled"),
      shadowed: show("shadowed"),
      errors: show("errors"),
      cost: show("cost"),
      bytesIn: show("bytesIn"),
      bytesOut: show("bytesOut"),
      meters: q.meter !== null,
      compared,
    },
    everyMS,
    key,
    pause: pause || isLatency,
  });
  const latency = usePolled({
    query: ExploreLatency,
    variables: { input, p50: show("p50"), p95: show("p95"), p99: show("p99"), compared },
    everyMS,
    key,
    pause: pause || !isLatency,
  });
  const asked = isLatency ? latency : counts;
  const data = asked.data?.explore;
  const { error, loading, reload } = asked;
  return useMemo(() => ({ data, error, loading, reload }), [data, error, loading, reload]);
}
