import { useSyncExternalStore } from "react";

/** The widths from which on there is room for more, narrowest first. */
export const widths = ["sm", "md", "lg", "xl"] as const;
export type Width = (typeof widths)[number];

/** As the style sheet has them. */
const least: Record<Width, string> = { sm: "40rem", md: "48rem", lg: "64rem", xl: "80rem" };
const queryOf = (width: Width) => matchMedia(`(min-width: ${least[width]})`);

function subscribe(notify: () => void) {
  const queries = widths.map(queryOf);
  for (const query of queries) query.addEventListener("change", notify);
  return () => {
    for (const query of queries) query.removeEventListener("change", notify);
  };
}

const countReached = () => widths.filter((width) => queryOf(width).matches).length;

/** Which of the widths the window has. */
export function useWidths(): readonly Width[] {
  return widths.slice(0, useSyncExternalStore(subscribe, countReached));
}
