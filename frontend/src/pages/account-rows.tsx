import { type FragmentOf, graphql, type ResultOf, readFragment } from "~/api/gql";
import type { LiveFeed } from "~/api/live";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { figure } from "~/limit/words";
import { StatusBadge } from "~/ui/Badge";
import { exact, percent, rate, ratio, short } from "~/ui/format";
import { Meter } from "~/ui/Meter";
import type { Column } from "~/ui/Table";

/** What a row about an account shows; the time range is the page's. */
export const AccountRow = graphql(`
  fragment AccountRow on Account {
    id
    name
    status
    labels {
      key
      value
    }
    trial {
      endsAt
    }
    tier {
      id
      name
    }
    levels {
      capacity
      remaining
      used
      limit {
        id
        name
        subject
        selector
        measure
        mode
      }
    }
    usage(from: $from, to: $to) {
      requests
      throttled
    }
  }
`);

export type AccountRowData = ResultOf<typeof AccountRow>;
export const readAccountRow = (row: FragmentOf<typeof AccountRow>) => readFragment(AccountRow, row);

/**
 * The limit that is closest to running out, of those that count the account's
 * requests as a whole; where there is none, of all that can refuse.
 */
export function tightest(account: AccountRowData) {
  const live = account.levels.filter((l) => l.limit.mode !== "SHADOW");
  const own = live.filter((l) => l.limit.subject === "ACCOUNT" && l.limit.selector === "ALL");
  const candidates = own.length > 0 ? own : live;
  const part = (l: (typeof candidates)[number]) => ratio(l.used, l.capacity) ?? 0;
  return candidates.reduce<(typeof candidates)[number] | null>(
    (most, l) => (most === null || part(l) > part(most) ? l : most),
    null,
  );
}

const nowSeconds = 5;

/** Requests per second of an account just now; null when the feed is off. */
export function liveRate(feed: LiveFeed, accountId: string): number | null {
  const rates = feed.buffer.rate(feed.settledMS(), nowSeconds, accountId);
  return rates && rates.allowed + rates.throttled + rates.refused;
}

/** The columns of a table of accounts. */
export function accountColumns(feed: LiveFeed | null): Column<AccountRowData>[] {
  const columns: Column<AccountRowData>[] = [
    {
      id: "name",
      head: "Account",
      sort: (a) => a.name,
      cell: (a) => (
        <span className="flex items-center gap-x-2 gap-y-1 max-sm:flex-wrap">
          <AppLink
            to={paths.account(a.id)}
            title={a.name}
            className="max-w-60 font-medium hover:text-accent hover:underline sm:truncate"
          >
            {a.name}
          </AppLink>
          {a.status !== "ACTIVE" && <StatusBadge status={a.status} />}
        </span>
      ),
    },
    {
      id: "tier",
      head: "Tier",
      from: "md",
      sort: (a) => a.tier.name,
      cell: (a) => (
        <AppLink
          to={paths.tier(a.tier.id)}
          className="text-muted hover:text-accent hover:underline"
        >
          {a.tier.name}
        </AppLink>
      ),
    },
    {
      id: "used",
      head: "Used of limit",
      sort: (a) => {
        const level = tightest(a);
        return level && ratio(level.used, level.capacity);
      },
      cell: (a) => {
        const level = tightest(a);
        if (!level) return <span className="text-faint">no limit</span>;
        return (
          <Meter
            used={level.used}
            limit={level.capacity}
            measure={level.limit.measure}
            label={`${a.name}, limit ${level.limit.name}`}
            className="max-sm:flex-col max-sm:items-start max-sm:gap-1"
          />
        );
      },
    },
    {
      id: "remaining",
      head: "Remaining",
      from: "xl",
      numeric: true,
      sort: (a) => tightest(a)?.remaining ?? null,
      cell: (a) => {
        const level = tightest(a);
        return level ? (
          figure(level.remaining, level.limit.measure)
        ) : (
          <span className="text-faint">–</span>
        );
      },
    },
    {
      id: "requests",
      head: "Requests",
      from: "sm",
      numeric: true,
      sort: (a) => a.usage.requests,
      cell: (a) => <span title={exact.format(a.usage.requests)}>{short(a.usage.requests)}</span>,
    },
    {
      id: "throttled",
      head: "Throttled",
      from: "sm",
      numeric: true,
      sort: (a) => a.usage.throttled,
      cell: (a) => <Throttled requests={a.usage.requests} throttled={a.usage.throttled} />,
    },
  ];
  if (feed) {
    columns.splice(4, 0, {
      id: "now",
      head: "Now",
      from: "xl",
      numeric: true,
      sort: (a) => liveRate(feed, a.id),
      cell: (a) => {
        const now = liveRate(feed, a.id);
        return now === null || now === 0 ? (
          <span className="text-faint">–</span>
        ) : (
          <>
            {rate(now)} <span className="text-faint">req/s</span>
          </>
        );
      },
    });
  }
  return columns;
}

export function Throttled({ requests, throttled }: { requests: number; throttled: number }) {
  if (throttled === 0) return <span className="text-faint">0</span>;
  return (
    <span title={`${exact.format(throttled)} of ${exact.format(requests)}`}>
      {short(throttled)}{" "}
      <span className="font-medium text-throttled">{percent(ratio(throttled, requests) ?? 0)}</span>
    </span>
  );
}
