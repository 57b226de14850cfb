import type { ReactNode } from "react";
import { type Permission, useViewer } from "~/api/viewer";

/** Shown to those only who have the permission: buttons that would be refused to others. */
export function Permitted({ needs, children }: { needs: Permission; children: ReactNode }) {
  const { may } = useViewer();
  return may(needs) ? children : null;
}
