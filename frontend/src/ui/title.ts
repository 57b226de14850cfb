import { useEffect } from "react";

/** Names the window after the page: what it shows, what that is part of, and Weir. */
export function useTitle(parts: string[]) {
  const title = [...parts, "Weir"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
