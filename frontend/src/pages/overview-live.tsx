import { useEffect, useMemo, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { type LiveFeed, type LiveState, useLive } from "~/api/live";
import { AppLink, useLiveSwitch } from "~/app/location";
import { paths } from "~/app/paths";
import { ChartPanel } from "~/ui/ChartPanel";
import { ago, clock } from "~/ui/format";

const RecentQuery = graphql(`
  query RecentUsage($from: Time!) {
    usage(from: $from, granularity: MINUTE) {
      points {
        at
        totals {
          allowed
          throttled
          refused
        }
      }
    }
  }
`);

const mostSeconds = 180;
/** At first the chart is this long, so that what there is can be seen. */
const leastSeconds = 30;

/** Allowed and throttled requests per second, as they are metered. */
export function LiveChart() {
  const live = useLive();
  const { feed, version } = live;
  useRecent(feed);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the buffer changes in place, version tells when
  const series = useMemo(() => {
    const known = feed.secondsKnown();
    const shown = Math.min(mostSeconds, Math.max(leastSeconds, known));
    return feed.buffer.series(feed.settledMS(), shown);
  }, [feed, version]);
  const hasRefused = series.refused.some((v) => v !== null && v > 0);
  return (
    <ChartPanel
      title="Live traffic"
      note={<Following {...live} />}
      actions={
        <AppLink
          to={paths.usage}
          className="px-1 text-muted hover:text-accent hover:underline max-sm:hidden"
        >
          Explore usage
        </AppLink>
      }
      file="weir-live"
      label="Requests per second in the last minutes, allowed and throttled"
      unit="requests per second"
      at={series.at}
      bucketS={1}
      live
      height={200}
      format={(value) => `${value.toFixed(1)} req/s`}
      series={[
        { label: "Allowed", kind: "allowed", values: series.allowed },
        { label: "Throttled", kind: "throttled", values: series.throttled },
        ...(hasRefused
          ? [{ label: "Refused", kind: "refused" as const, values: series.refused }]
          : []),
      ]}
    />
  );
}

/** What was counted just before the feed began, so that the chart does not begin empty. */
function useRecent(feed: LiveFeed) {
  const [from] = useState(() => new Date(Date.now() - mostSeconds * 1000).toISOString());
  const [{ data }] = useQuery({
    query: RecentQuery,
    variables: { from },
    requestPolicy: "network-only",
  });
  useEffect(() => {
    if (!data) return;
    feed.fillBefore(
      data.usage.points.map(({ at, totals }) => ({ ...totals, atMS: Date.parse(at) })),
    );
  }, [data, feed]);
}

function Following({ connection, lastEventMS }: LiveState) {
  const [on] = useLiveSwitch();
  if (!on) return "Paused; the live switch is off";
  if (connection === "disconnected") {
    return (
      <span role="status" className="font-medium text-error">
        Disconnected
        {lastEventMS !== null && `, last seen ${clock(lastEventMS)}`}; connecting again
      </span>
    );
  }
  if (connection !== "connected") return "Connecting";
  if (lastEventMS === null) return "Waiting for the next request";
  return `Up to 3 minutes; last request metered ${ago(lastEventMS, Date.now())}`;
}
