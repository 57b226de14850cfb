import type { CombinedError } from "@urql/core";
import type { ReactNode } from "react";
import { explain, isRefused } from "~/api/errors";
import type { Polled } from "~/api/polled";
import { useRange } from "~/app/location";
import { NoRequests } from "~/app/NoRequests";
import { contradiction, offers } from "~/explore/narrow";
import { isFiltered } from "~/explore/question";
import type { Asked } from "~/explore/useQuestion";
import { Button } from "~/ui/Button";
import { EmptyState, ErrorState, Loading, Skeleton } from "~/ui/states";

/** What stands in for a view of usage when there is nothing to draw. */
export function standIn(
  polled: Polled<unknown>,
  isEmpty: boolean,
  asked: Asked,
  what: string,
): ReactNode {
  const { data, error, loading, reload } = polled;
  if (error && isRefused(error)) return <Refused asked={asked} error={error} />;
  if (error && data === undefined) return <ErrorState what={what} error={error} retry={reload} />;
  if (loading) {
    return (
      <Loading what={what}>
        <Skeleton className="mx-4 mb-3 h-[18.125rem]" />
      </Loading>
    );
  }
  return isEmpty ? <NoUsage asked={asked} /> : undefined;
}

/** The question is at fault: why, and what makes it answerable in one click. */
function Refused({ asked, error }: { asked: Asked; error: CombinedError }) {
  const { range } = useRange();
  return (
    <div
      role="alert"
      className="flex min-h-[18.875rem] flex-col items-center justify-center gap-1 px-4 py-8 text-center"
    >
      <h3 className="font-medium">This question can’t be answered as it is</h3>
      <p className="max-w-xl text-muted">{contradiction(asked.question) ?? explain(error)}</p>
      <div className="mt-3 flex flex-wrap justify-center gap-2">
        {offers(asked.question, range, asked.granularity).map(({ label, changes }) => (
          <Button key={label} onClick={() => asked.change(changes)}>
            {label}
          </Button>
        ))}
      </div>
    </div>
  );
}

function NoUsage({ asked }: { asked: Asked }) {
  return (
    <div className="flex min-h-[18.875rem] flex-col justify-center">
      {isFiltered(asked.question) ? (
        <EmptyState title="Nothing matches in this time">
          Take a filter off, or choose another time range.
        </EmptyState>
      ) : (
        <NoRequests title="No requests in this time" />
      )}
    </div>
  );
}
