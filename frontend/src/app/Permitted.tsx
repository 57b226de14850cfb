import type { ReactNode } from "react";
import { type Permission, useViewer } from "~/api/viewer";

/** Shown to those only who have the permission: buttons that would be refused to others. */
export function Permitted({
  needs,
  unbound = false,
  children,
}: {
  needs?: Permission;
  /** Whether it is not for those who see one account only. */
  unbound?: boolean;
  children: ReactNode;
}) {
  const { viewer, may } = useViewer();
  return may(needs) && !(unbound && viewer?.account) ? children : null;
}
