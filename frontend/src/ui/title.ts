import { useEffect } from "react";

/** Names the window after the page: what it shows, what that is part of, and Weir; null leaves it. */
export function useTitle(parts: string[] | null) {
  const title = parts && [...parts, "Weir"].join(" · ");
  useEffect(() => {
    if (title !== null) document.title = title;
  }, [title]);
}
