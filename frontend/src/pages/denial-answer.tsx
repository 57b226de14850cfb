import type { CombinedError } from "@urql/core";
import type { ReactNode } from "react";
import { AppLink, useNow } from "~/app/location";
import { paths } from "~/app/paths";
import { figure, sentence } from "~/limit/words";
import { Copyable } from "~/ui/Copyable";
import { duration, moment, until } from "~/ui/format";
import { Meter } from "~/ui/Meter";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, Loading, Skeleton } from "~/ui/states";
import type { Denial } from "./Denials";
import { DecisionMark } from "./denial-rows";

/** Why one request was limited. */
export function DenialAnswer({
  requestId,
  denials,
  loading,
  error,
  retry,
}: {
  requestId: string;
  denials: Denial[] | undefined;
  loading: boolean;
  error: CombinedError | undefined;
  retry: () => void;
}) {
  return (
    <Panel title="Why it was limited">
      <div aria-live="polite">
        {loading && (
          <Loading what="the request">
            <Skeleton className="mx-4 mb-4 h-24" />
          </Loading>
        )}
        {error && !denials && <ErrorState what="the request" error={error} retry={retry} />}
        {denials?.length === 0 && (
          <EmptyState title="Nothing is known of this request">
            <code className="font-mono text-small break-all">{requestId}</code> was not refused, not
            sampled, or is older than 24 hours. A request that was refused just now can take a
            second or two.
          </EmptyState>
        )}
        <ul className="divide-y divide-line">
          {denials?.map((denial) => (
            <li key={denial.id} className="px-4 pb-4">
              <Answer denial={denial} />
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function Answer({ denial }: { denial: Denial }) {
  const facts: Array<[string, ReactNode]> = [
    ["Decision", <DecisionMark key="decision" decision={denial.decision} />],
    ["When", moment(Date.parse(denial.at))],
    ["Account", <Whose key="account" denial={denial} />],
    [
      "Request",
      <code key="request" className="font-mono text-small break-all">
        {denial.method} {denial.path}
      </code>,
    ],
    ["Endpoint", <EndpointLink key="endpoint" endpoint={denial.endpoint} />],
    ["Retry", <Retry key="retry" denial={denial} />],
    ["Request id", <Copyable key="id" text={denial.requestId} label="Copy request id" />],
  ];
  return (
    <div className="flex flex-col gap-4">
      <p className="text-title font-semibold text-balance">{denial.explanation}</p>
      <div className="grid gap-x-8 gap-y-4 lg:grid-cols-2">
        <dl className="grid grid-cols-[6rem_minmax(0,1fr)] items-center gap-y-1.5 self-start">
          {facts.map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="min-w-0">{value}</dd>
            </div>
          ))}
        </dl>
        <Levels denial={denial} />
      </div>
    </div>
  );
}

function Whose({ denial: { account, key, identity } }: { denial: Denial }) {
  if (!account) return <span className="text-muted italic">Unidentified caller</span>;
  const by = key ? `key ${key.name}` : identity ? `identity ${identity.value}` : null;
  return (
    <>
      <AppLink to={paths.account(account.id)}>{account.name}</AppLink>
      {by && <span className="text-muted">, {by}</span>}
    </>
  );
}

function EndpointLink({ endpoint }: { endpoint: Denial["endpoint"] }) {
  if (!endpoint) return <span className="text-faint">none</span>;
  return (
    <AppLink
      to={paths.usage}
      own={{ endpoint: endpoint.id }}
      className="font-mono text-small hover:text-accent hover:underline"
    >
      {endpoint.method} {endpoint.template}
    </AppLink>
  );
}

function Retry({ denial: { retryAfterMs, at } }: { denial: Denial }) {
  const nowMS = useNow(1_000);
  if (retryAfterMs === null) return <>would not have helped</>;
  const atMS = Date.parse(at) + retryAfterMs;
  return (
    <>
      would have passed after {duration(retryAfterMs)}
      {atMS > nowMS && `, ${until(atMS, nowMS)}`}
    </>
  );
}

/** Where each limit that applied stood, the one that decided first. */
function Levels({ denial }: { denial: Denial }) {
  if (denial.levels.length === 0) return null;
  const decided = denial.limit?.id;
  const levels = denial.levels.toSorted(
    (a, b) => Number(b.limitId === decided) - Number(a.limitId === decided),
  );
  return (
    <section aria-label="Limits that applied" className="min-w-0">
      <h3 className="mb-1 font-medium">Limits that applied</h3>
      <ul className="flex flex-col gap-2.5">
        {levels.map(({ limitId, limit, remaining, amount }) => {
          const measure = limit?.measure ?? "REQUESTS";
          return (
            <li key={limitId} className="flex flex-col gap-0.5">
              <div className="flex flex-wrap items-center justify-between gap-x-3">
                <span className="font-mono text-small">
                  {limit ? (
                    <AppLink to={paths.limit(limit.id)}>{limit.name}</AppLink>
                  ) : (
                    <span className="text-faint">a limit that was deleted</span>
                  )}
                  {limitId === decided && (
                    <span className="ml-2 font-sans font-medium text-throttled">decided</span>
                  )}
                </span>
                <Meter
                  used={amount - remaining}
                  limit={amount}
                  measure={measure}
                  label={`Limit ${limit?.name ?? limitId}`}
                />
              </div>
              <p className="text-small text-faint">
                {limit && `${sentence(limit)}; `}
                {figure(remaining, measure)} left
              </p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
