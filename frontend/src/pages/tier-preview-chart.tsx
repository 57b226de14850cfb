import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { Button } from "~/ui/Button";
import { ChartPanel } from "~/ui/ChartPanel";
import type { Series as Line } from "~/ui/chart-series";
import { exact } from "~/ui/format";
import { EmptyState, ErrorState, Loading, Skeleton } from "~/ui/states";
import {
  type Played,
  PreviewAccountQuery,
  type PreviewedAccount,
  type Series,
} from "./tier-preview-query";

type Bound = "atMost" | "atLeast";

const bounds: Array<{ value: Bound; label: string }> = [
  { value: "atMost", label: "At most" },
  { value: "atLeast", label: "At least" },
];

/** When limits would have throttled: all accounts, or one, beside its limits of today. */
export function PreviewChart({
  played,
  account,
  onAll,
}: {
  played: Played;
  /** The only one whose requests are drawn; null for all. */
  account: PreviewedAccount["account"] | null;
  onAll: () => void;
}) {
  const [bound, setBound] = useState<Bound>("atMost");
  const { report } = played;
  const [{ data, error, fetching }, retry] = useQuery({
    query: PreviewAccountQuery,
    variables: { input: { ...played.input, accountIds: account ? [account.id] : null, first: 1 } },
    pause: account === null,
    requestPolicy: "cache-first",
  });
  const series = account === null ? report : fetching ? undefined : data?.preview;
  const { at, lines } = useMemo(() => drawn(series, bound), [series, bound]);
  const per = perPoint(report.pointMinutes);
  return (
    <ChartPanel
      title={account ? `When: ${account.name}` : "When"}
      note={account ? "one account" : "all accounts"}
      file="weir-preview"
      label={`Requests throttled per ${per}, ${bound === "atMost" ? "at most" : "at least"}: with these limits, with today’s, and really`}
      unit={`requests per ${per}`}
      at={at}
      bucketS={report.pointMinutes * 60}
      series={lines}
      format={exact.format}
      height={220}
      actions={
        <>
          {account && (
            <Button kind="quiet" onClick={onAll}>
              All accounts
            </Button>
          )}
          {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form */}
          <div role="group" aria-label="Figures" className="flex gap-1">
            {bounds.map(({ value, label }) => (
              <Button
                key={value}
                kind={value === bound ? "primary" : "quiet"}
                className="h-6! px-2!"
                aria-pressed={value === bound}
                onClick={() => setBound(value)}
              >
                {label}
              </Button>
            ))}
          </div>
        </>
      }
    >
      {account && fetching ? (
        <Loading what={`when ${account.name} would be throttled`}>
          <Skeleton className="mx-4 mb-3 h-[15.625rem]" />
        </Loading>
      ) : account && error ? (
        <ErrorState
          what={`when ${account.name} would be throttled`}
          error={error}
          retry={() => retry({ requestPolicy: "network-only" })}
        />
      ) : lines.length === 0 ? (
        <div className="flex min-h-[16.375rem] flex-col justify-center">
          <EmptyState title="Nothing is throttled">
            {bound === "atLeast"
              ? "Spread evenly, all requests are within these limits and today’s. “At most” shows those that come at once."
              : "All requests are within these limits and today’s, however they come."}
          </EmptyState>
        </div>
      ) : undefined}
    </ChartPanel>
  );
}

/** A line for each kind of limits that throttles something. */
function drawn(series: Series | undefined, bound: Bound): { at: number[]; lines: Line[] } {
  const points = series?.points ?? [];
  const lines: Line[] = [
    { label: "With these limits", kind: "shadow", values: points.map((p) => p.harm[bound]) },
    {
      label: "With today’s limits",
      kind: "previous",
      values: points.map((p) => p.harm.today[bound]),
    },
    { label: "Really throttled", kind: "throttled", values: points.map((p) => p.harm.throttled) },
  ];
  const throttles = lines.some((line) => line.values.some((v) => v !== null && v > 0));
  return {
    at: points.map((p) => Date.parse(p.start) / 1000),
    lines: throttles ? lines : [],
  };
}

function perPoint(minutes: number): string {
  if (minutes === 1440) return "day";
  const [n, one] = minutes % 60 === 0 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return n === 1 ? one : `${n} ${one}s`;
}
