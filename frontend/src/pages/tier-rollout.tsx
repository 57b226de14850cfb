import { Check, LoaderCircle, TriangleAlert } from "lucide-react";
import { useEffect, useState } from "react";
import { useClient } from "urql";
import { graphql, type ResultOf } from "~/api/gql";
import { plural } from "~/ui/format";
import { Notice } from "~/ui/states";
import { after } from "./rollout-parts";

const RolloutQuery = graphql(`
  query RolloutProgress($snapshot: Int64!) {
    rollout(snapshot: $snapshot) {
      progress {
        confirmed
        of
        tookMs
        behind
      }
    }
  }
`);

/** A change on its way: the first snapshot that carries it, and when it was sent. */
export type Change = { snapshot: number; sentMS: number };

type Progress = ResultOf<typeof RolloutQuery>["rollout"]["progress"];

const askEveryMS = 250;
const slowAfterMS = 5_000;
const giveUpAfterMS = 90_000;

/** Follows a change until every Envoy worker runs it. */
export function RolloutProgress({ change }: { change: Change }) {
  const client = useClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const [elapsedMS, setElapsed] = useState(0);

  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const { data } = await client.query(
        RolloutQuery,
        { snapshot: change.snapshot },
        { requestPolicy: "network-only" },
      );
      if (stopped) return;
      const sinceMS = performance.now() - change.sentMS;
      setElapsed(sinceMS);
      const next = data?.rollout.progress ?? null;
      if (next) setProgress(next);
      const finished = next !== null && next.behind.length === 0;
      if (!finished && sinceMS < giveUpAfterMS) timer = setTimeout(ask, askEveryMS);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [client, change]);

  if (progress === null) {
    return <Notice kind="info">Saved. Asking the Envoys …</Notice>;
  }
  if (progress.of === 0) {
    return (
      <Notice kind="info">
        Saved. No Envoy is connected just now; each gets it when it connects.
      </Notice>
    );
  }
  const workers = `on ${progress.confirmed} of ${plural(progress.of, "worker")}`;
  if (progress.behind.length === 0) {
    return (
      <Notice kind="good">
        <Check aria-hidden className="size-4 text-allowed" />
        <span>
          Saved, and {workers} after {after(progress.tookMs ?? elapsedMS)}.
        </span>
      </Notice>
    );
  }
  const slow = elapsedMS > slowAfterMS;
  return (
    <Notice kind={slow ? "warning" : "info"}>
      {slow ? (
        <TriangleAlert aria-hidden className="size-4 text-soft" />
      ) : (
        <LoaderCircle aria-hidden className="size-4 animate-spin text-muted" />
      )}
      <span>
        Saved; {workers} so far{slow && `, still waiting for ${progress.behind.join(", ")}`}.
      </span>
    </Notice>
  );
}
