import { ago, moment, until } from "./format";

/** An instant as a time from now; the moment in full on hover. */
export function When({
  at,
  nowMS,
  coming = false,
  className,
}: {
  /** RFC 3339. */
  at: string;
  nowMS: number;
  /** It may lie ahead; otherwise two clocks that differ would say so of what has just been. */
  coming?: boolean;
  className?: string;
}) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={moment(ms)} className={className}>
      {coming && ms > nowMS ? until(ms, nowMS) : ago(ms, nowMS)}
    </time>
  );
}
