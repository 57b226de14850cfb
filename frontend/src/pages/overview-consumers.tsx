import { type ReactNode, useState } from "react";
import { type FragmentOf, graphql } from "~/api/gql";
import { type Subscribed, useSubscribed } from "~/api/subscribed";
import { AppLink, useLiveSwitch } from "~/app/location";
import { NoRequests } from "~/app/NoRequests";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { clock, exact, percent, short } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { ErrorState, Loading, Skeleton } from "~/ui/states";
import { type AccountRow, readAccountRow } from "./account-rows";

const TopConsumersNow = graphql(`
  subscription TopConsumersNow {
    topConsumers(window: FIVE_MINUTES, first: 8, everyMs: 1000) {
      at
      consumers {
        account {
          id
          name
        }
        totals {
          requests
          allowed
          throttled
          refused
        }
        share
      }
    }
  }
`);

type Totals = { requests: number; allowed: number; throttled: number; refused: number };
type Consumer = {
  account: { id: string; name: string } | null;
  totals: Totals;
  share: number;
};
type InRange = Omit<Consumer, "account"> & { account: FragmentOf<typeof AccountRow> | null };

const mostBars = 8;
const none = {};

/** The accounts with the most requests, of late or in the range, as bars that lead to them. */
export function Consumers(range: {
  consumers: InRange[] | undefined;
  loading: boolean;
  span: string;
}) {
  const [live] = useLiveSwitch();
  const [wanted, setWanted] = useState<"now" | "range">("now");
  const view = live ? wanted : "range";
  const views = live && (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label="Ranked by" className="flex gap-1">
      {(["now", "range"] as const).map((v) => (
        <Button
          key={v}
          kind={v === view ? "primary" : "quiet"}
          className="h-6! px-2!"
          aria-pressed={v === view}
          onClick={() => setWanted(v)}
        >
          {v === "now" ? "Now" : "Range"}
        </Button>
      ))}
    </div>
  );
  if (view === "now") return <Now views={views} />;
  const consumers = range.consumers?.map((c) => ({
    ...c,
    account: c.account && readAccountRow(c.account),
  }));
  return (
    <Panel title="Top consumers" note={range.span} actions={views}>
      <Ranking consumers={consumers} loading={range.loading} empty="No requests in this time" />
    </Panel>
  );
}

function Now({ views }: { views: ReactNode }) {
  const now = useSubscribed(TopConsumersNow, none);
  const top = now.data?.topConsumers;
  return (
    <Panel title="Top consumers" note={<Freshness now={now} at={top?.at} />} actions={views}>
      {now.error && !top ? (
        <ErrorState what="the top consumers" error={now.error} retry={() => location.reload()} />
      ) : (
        <Ranking
          consumers={top?.consumers}
          loading={now.loading}
          empty="No requests in the last 5 minutes"
        />
      )}
    </Panel>
  );
}

function Freshness({ now, at }: { now: Subscribed<unknown>; at: string | undefined }) {
  if (!now.stale) return "Last 5 minutes, live";
  return (
    <span role="status" className="font-medium text-error">
      Reconnecting{at && `; as of ${clock(Date.parse(at))}`}
    </span>
  );
}

function Ranking({
  consumers,
  loading,
  empty,
}: {
  consumers: Consumer[] | undefined;
  loading: boolean;
  empty: string;
}) {
  const top = consumers?.slice(0, mostBars);
  const most = Math.max(1, ...(top ?? []).map((c) => c.totals.requests));
  return (
    <>
      {loading && (
        <Loading what="the top consumers">
          <div className="flex flex-col gap-5 px-4 py-3">
            {["w-full", "w-3/4", "w-1/2", "w-1/3"].map((width) => (
              <Skeleton key={width} className={`h-5 ${width}`} />
            ))}
          </div>
        </Loading>
      )}
      {top?.length === 0 && (
        <NoRequests title={empty}>Whoever sends the most is listed here.</NoRequests>
      )}
      {top && top.length > 0 && (
        <ol className="flex flex-col pb-2">
          {top.map((consumer) => (
            <Bar key={consumer.account?.id ?? "unidentified"} consumer={consumer} most={most} />
          ))}
        </ol>
      )}
    </>
  );
}

function Bar({ consumer, most }: { consumer: Consumer; most: number }) {
  const { account } = consumer;
  const { requests, allowed, throttled, refused } = consumer.totals;
  const width = (count: number) => ({ width: `${(count / most) * 100}%` });
  const parts = `${exact.format(allowed)} allowed, ${exact.format(throttled)} throttled, ${exact.format(refused)} refused`;
  const body = (
    <>
      <span className="flex items-baseline gap-2">
        <span className={`min-w-0 truncate ${account ? "font-medium" : "text-muted italic"}`}>
          {account?.name ?? "Unidentified callers"}
        </span>
        <span className="ml-auto">{short(requests)}</span>
        <span className="w-11 text-right text-small text-faint">{percent(consumer.share)}</span>
      </span>
      <span aria-hidden className="mt-1.5 flex h-1.5 gap-px overflow-hidden rounded-full bg-line">
        <span className="bg-allowed" style={width(allowed)} />
        <span className="bar-striped text-throttled" style={width(throttled)} />
        <span className="bg-refused" style={width(refused)} />
      </span>
      <span className="sr-only">{parts}</span>
    </>
  );
  const className = "block px-4 py-2";
  return (
    <li title={parts}>
      {account ? (
        <AppLink to={paths.account(account.id)} className={`${className} hover:bg-hover`}>
          {body}
        </AppLink>
      ) : (
        <div className={className}>{body}</div>
      )}
    </li>
  );
}
