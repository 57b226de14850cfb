import { ago, moment, until } from "./format";

/** An instant as a time from now; the moment in full on hover. */
export function When({
  at,
  nowMS,
  className,
}: {
  /** RFC 3339. */
  at: string;
  nowMS: number;
  className?: string;
}) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={moment(ms)} className={className}>
      {ms > nowMS ? until(ms, nowMS) : ago(ms, nowMS)}
    </time>
  );
}
