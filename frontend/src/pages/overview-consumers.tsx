import type { FragmentOf } from "~/api/gql";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { exact, percent, short } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { EmptyState, Loading, Skeleton } from "~/ui/states";
import { type AccountRow, readAccountRow } from "./account-rows";

type Consumer = {
  account: FragmentOf<typeof AccountRow> | null;
  totals: { requests: number; allowed: number; throttled: number; refused: number };
  share: number;
};

const mostBars = 8;

/** The accounts with the most requests, as bars that lead to them. */
export function Consumers({
  consumers,
  loading,
  span,
}: {
  consumers: Consumer[] | undefined;
  loading: boolean;
  span: string;
}) {
  const top = consumers?.slice(0, mostBars);
  const most = Math.max(1, ...(top ?? []).map((c) => c.totals.requests));
  return (
    <Panel title="Top consumers" note={span}>
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
        <EmptyState title="No requests in this time" command="make demo-traffic">
          Whoever sends requests through Envoy shows up here, a second or two later.
        </EmptyState>
      )}
      {top && top.length > 0 && (
        <ol className="flex flex-col pb-2">
          {top.map((consumer) => (
            <Bar key={keyOf(consumer)} consumer={consumer} most={most} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

const keyOf = (c: Consumer) => (c.account ? readAccountRow(c.account).id : "unidentified");

function Bar({ consumer, most }: { consumer: Consumer; most: number }) {
  const account = consumer.account && readAccountRow(consumer.account);
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
