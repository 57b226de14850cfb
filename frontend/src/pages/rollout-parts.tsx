import { Check, Clock3 } from "lucide-react";
import { Badge } from "~/ui/Badge";
import { plural } from "~/ui/format";

/** How long a snapshot took to a worker, or to the last of them. */
export const after = (tookMS: number) =>
  tookMS < 100 ? "less than 0.1 s" : `${(tookMS / 1_000).toFixed(1)} s`;

type Progress = { snapshot: number; confirmed: number; of: number; tookMs: number | null };

/** How far the newest snapshot has got, in a line. */
export function reached({ snapshot, confirmed, of, tookMs }: Progress): string {
  const where = `Snapshot ${snapshot}, on ${confirmed} of ${plural(of, "worker")}`;
  return tookMs === null ? where : `${where} after ${after(tookMs)}`;
}

/** Whether a worker runs the newest snapshot. */
export function WorkerState({ snapshot, newest }: { snapshot: number; newest: number }) {
  if (snapshot >= newest) {
    return (
      <Badge kind="good" icon={<Check aria-hidden className="size-3" />}>
        Current
      </Badge>
    );
  }
  return (
    <Badge kind="warning" icon={<Clock3 aria-hidden className="size-3" />}>
      {snapshot === 0 ? "None yet" : "Behind"}
    </Badge>
  );
}
