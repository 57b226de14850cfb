import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { decisions } from "~/ui/Badge";
import { duration, moment } from "~/ui/format";
import type { Column } from "~/ui/Table";
import type { Denial } from "./Denials";

/** How a request was decided, by shape, colour and word. */
export function DecisionMark({ decision }: { decision: Denial["decision"] }) {
  const { label, icon: Icon, color } = decisions[decision];
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <Icon aria-hidden className={`size-3.5 shrink-0 ${color}`} />
      {label}
    </span>
  );
}

/** The columns of a table of denials. */
export function denialColumns(onLookUp: (requestId: string) => void): Column<Denial>[] {
  return [
    {
      id: "at",
      head: "Time",
      cell: (d) => (
        <time dateTime={d.at} className="whitespace-nowrap text-muted">
          {moment(Date.parse(d.at))}
        </time>
      ),
    },
    {
      id: "account",
      head: "Account",
      cell: (d) =>
        d.account ? (
          <AppLink to={paths.account(d.account.id)}>{d.account.name}</AppLink>
        ) : (
          <span className="text-muted italic">Unidentified</span>
        ),
    },
    {
      id: "request",
      head: "Request",
      from: "md",
      cell: (d) => (
        <code className="block max-w-72 truncate font-mono text-small" title={d.path}>
          <span className="text-muted">{d.method}</span> {d.path}
        </code>
      ),
    },
    {
      id: "decision",
      head: "Decision",
      from: "lg",
      cell: (d) => <DecisionMark decision={d.decision} />,
    },
    {
      id: "limit",
      head: "Limit",
      from: "sm",
      cell: (d) =>
        d.limit ? (
          <AppLink
            to={paths.limit(d.limit.id)}
            className="font-mono text-small hover:text-accent hover:underline"
          >
            {d.limit.name}
          </AppLink>
        ) : (
          <span className="text-faint">–</span>
        ),
    },
    {
      id: "retry",
      head: "Retry after",
      from: "xl",
      numeric: true,
      cell: (d) =>
        d.retryAfterMs === null ? <span className="text-faint">–</span> : duration(d.retryAfterMs),
    },
    {
      id: "why",
      head: "Why",
      hideHead: true,
      numeric: true,
      cell: (d) => (
        <button
          type="button"
          title={d.requestId}
          onClick={() => {
            onLookUp(d.requestId);
            window.scrollTo({ top: 0 });
          }}
          className="rounded-control px-2 py-1 font-medium text-accent hover:bg-hover"
        >
          Why?<span className="sr-only"> Request {d.requestId}</span>
        </button>
      ),
    },
  ];
}
