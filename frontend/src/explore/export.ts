import type { Granularity } from "~/app/range";
import { dimensionNames, dimensions, type Question } from "./question";

/** How usage can be taken away whole. */
export const exportFormats = [
  { ending: "csv", label: "CSV", note: "for spreadsheets" },
  { ending: "ndjson", label: "NDJSON", note: "a JSON object a line" },
  { ending: "parquet", label: "Parquet", note: "for analytics" },
] as const;

/** Where the server streams all rows of a question, not only the largest groups. */
export function exportPath(
  q: Question,
  ending: (typeof exportFormats)[number]["ending"],
  {
    from,
    to,
    granularity,
    zone,
  }: { from: string; to: string | null; granularity: Granularity; zone: string },
): string {
  const query = new URLSearchParams({ from });
  if (to !== null) query.set("to", to);
  query.set("granularity", granularity);
  query.set("timeZone", zone);
  if (q.groupBy.length > 0) {
    query.set("groupBy", q.groupBy.map((d) => dimensions[d].value).join(","));
  }
  if (q.meter !== null) query.set("meters", q.meter);
  for (const name of dimensionNames) {
    const values = q.filter[name];
    if (values) query.set(name, values.join(","));
  }
  return `/api/v1/usage.${ending}?${query}`;
}
