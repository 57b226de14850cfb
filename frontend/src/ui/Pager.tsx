import type { ReactNode } from "react";
import { Button } from "~/ui/Button";

/** What a list says about where it can be read on. */
export type PageInfo = { hasNextPage: boolean; endCursor: string | null };

/** Leads through the pages of a list, one after the other; nothing when there is only one. */
export function Pager({
  page,
  after,
  onTurn,
  first = "Newest",
  next = "Older",
  note,
}: {
  /** Undefined while the list loads. */
  page: PageInfo | undefined;
  /** The cursor that the page begins after; null on the first one. */
  after: string | null;
  onTurn: (after: string | null) => void;
  first?: string;
  next?: string;
  /** What the page is of, before the buttons. */
  note?: ReactNode;
}) {
  if (!page || !(after || page.hasNextPage)) return null;
  return (
    <div className="flex items-center gap-2 border-t border-line px-4 py-2 text-muted">
      <span className="grow">{note}</span>
      <Button disabled={!after} onClick={() => onTurn(null)}>
        {first}
      </Button>
      <Button disabled={!page.hasNextPage} onClick={() => onTurn(page.endCursor)}>
        {next}
      </Button>
    </div>
  );
}
