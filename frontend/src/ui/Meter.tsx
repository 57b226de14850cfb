import { bytes, exact, percent, ratio } from "./format";

/** From this part of a limit on, an account is near it. */
export const nearLimit = 0.8;

/** Used of a limit: a bar with its numbers beside it. */
export function Meter({
  used,
  limit,
  held = 0,
  measure = "REQUESTS",
  label,
  className = "",
}: {
  used: number;
  limit: number;
  /** Given out, and not used yet; part of neither `used` nor what remains. */
  held?: number;
  measure?: "REQUESTS" | "BYTES" | "COST";
  label: string;
  className?: string;
}) {
  const say = measure === "BYTES" ? bytes : exact.format;
  const heldPart = Math.max(0, ratio(held, limit) ?? 0);
  const part = Math.min(1, Math.max(0, ratio(used, limit) ?? 0));
  const state = part >= 1 ? "at its limit" : part >= nearLimit ? "near its limit" : "";
  const color = part >= 1 ? "bg-throttled" : part >= nearLimit ? "bg-soft" : "bg-allowed";
  return (
    <span className={`flex items-center gap-2.5 ${className}`}>
      {/* biome-ignore lint/a11y/useSemanticElements: browsers do not let <meter> take our colours */}
      <span
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(used, limit)}
        aria-valuetext={`${say(used)} of ${say(limit)} used, ${percent(part)} ${state}`}
        className="relative h-1.5 w-20 shrink-0 overflow-hidden rounded-full bg-line"
      >
        <span
          className={`absolute inset-y-0 left-0 rounded-full transition-[width] duration-300 ${color}`}
          style={{ width: `${part * 100}%` }}
        />
        {heldPart > 0 && (
          <span
            className="bar-striped absolute inset-y-0 text-faint"
            style={{ left: `${part * 100}%`, width: `${Math.min(heldPart, 1 - part) * 100}%` }}
          />
        )}
      </span>
      <span aria-hidden className="whitespace-nowrap">
        {say(used)}
        <span className="text-faint"> / {say(limit)}</span>
      </span>
    </span>
  );
}
