import { CircleSlash, Eye, TriangleAlert } from "lucide-react";
import { Badge } from "~/ui/Badge";
import type { Mode } from "./fields";

const icon = "size-3";
const looks = {
  ENFORCE: {
    kind: "neutral",
    label: "Enforce",
    icon: <CircleSlash aria-hidden className={icon} />,
  },
  SOFT: { kind: "soft", label: "Soft", icon: <TriangleAlert aria-hidden className={icon} /> },
  SHADOW: { kind: "shadow", label: "Shadow", icon: <Eye aria-hidden className={icon} /> },
} as const;

/** What a limit does when it is exceeded, told by colour, shape and word. */
export function ModeBadge({ mode }: { mode: Mode }) {
  const look = looks[mode];
  return (
    <Badge kind={look.kind} icon={look.icon}>
      {look.label}
    </Badge>
  );
}
