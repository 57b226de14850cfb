import {
  Archive,
  Ban,
  Check,
  CircleSlash,
  Clock3,
  Hourglass,
  Import,
  KeyRound,
  OctagonX,
  PenLine,
} from "lucide-react";
import type { ReactNode } from "react";

const kinds = {
  good: "bg-allowed-soft text-allowed",
  warning: "bg-throttled-soft text-throttled",
  bad: "bg-error-soft text-error",
  soft: "bg-soft-soft text-soft",
  shadow: "bg-shadow-soft text-shadow",
  neutral: "bg-hover text-muted",
};

export function Badge({
  kind = "neutral",
  icon,
  children,
}: {
  kind?: keyof typeof kinds;
  icon?: ReactNode;
  children: ReactNode;
}) {
  return (
    <span
      className={`inline-flex h-5 max-w-full items-center gap-1 rounded-full px-2 text-small font-medium whitespace-nowrap ${kinds[kind]}`}
    >
      {icon}
      <span className="min-w-0 truncate">{children}</span>
    </span>
  );
}

const icon = "size-3";

const statuses = {
  TRIAL: { kind: "soft", icon: <Hourglass aria-hidden className={icon} />, label: "Trial" },
  ACTIVE: { kind: "good", icon: <Check aria-hidden className={icon} />, label: "Active" },
  SUSPENDED: { kind: "bad", icon: <Ban aria-hidden className={icon} />, label: "Suspended" },
  CLOSED: { kind: "neutral", icon: <Archive aria-hidden className={icon} />, label: "Closed" },
} as const;

/** What an account's status is called. */
export const statusWords = (status: keyof typeof statuses) => statuses[status].label;

export function StatusBadge({ status }: { status: keyof typeof statuses }) {
  const { kind, icon, label } = statuses[status];
  return (
    <Badge kind={kind} icon={icon}>
      {label}
    </Badge>
  );
}

/** What the filter can say of a request, in words and in the shape that goes with each. */
export const decisions = {
  ALLOWED: { label: "Allowed", icon: Check, color: "text-allowed" },
  THROTTLED: { label: "Throttled (429)", icon: CircleSlash, color: "text-throttled" },
  UNAUTHENTICATED: { label: "Unknown caller (401)", icon: KeyRound, color: "text-refused" },
  FORBIDDEN: { label: "Suspended (403)", icon: OctagonX, color: "text-refused" },
  UNREADY: { label: "Not ready (503)", icon: Clock3, color: "text-refused" },
  CORRECTED: { label: "Corrected", icon: PenLine, color: "text-muted" },
  IMPORTED: { label: "Imported", icon: Import, color: "text-muted" },
} as const;
