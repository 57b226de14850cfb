import { decisions } from "~/ui/Badge";
import { groupKind, mostGroups, type Series, type SeriesKind } from "~/ui/chart-series";
import { along, type Shown } from "./figures";
import type { Decision, Dimension } from "./question";
import type { Report } from "./report";

/** How a decision is drawn, when nothing else tells the groups apart. */
const decisionKinds: Record<Decision, SeriesKind> = {
  ALLOWED: "allowed",
  THROTTLED: "throttled",
  UNAUTHENTICATED: "refused",
  FORBIDDEN: "group4",
  UNREADY: "errors",
  CORRECTED: "group2",
  IMPORTED: "group5",
};
const isDecision = (s: string | undefined): s is Decision =>
  s !== undefined && Object.hasOwn(decisions, s);

type Group = { label: string; values: string[] };

/** A group's name, with decisions in words. */
export function labelOf(group: Group, groupBy: Dimension[]): string {
  const value = group.values[groupBy.indexOf("decision")];
  if (!isDecision(value)) return group.label;
  const { label } = decisions[value];
  // The label is the names in the order of the dimensions.
  return groupBy[0] === "decision"
    ? label + group.label.slice(value.length)
    : group.label.slice(0, -value.length) + label;
}

/** What the chart draws of a report: its groups, everything else, and what was before. */
export function reportSeries(
  report: Report,
  groupBy: Dimension[],
  shown: Shown,
  whole: string,
): Series[] {
  const valuesOf = (columns: Report["series"] | undefined): Array<number | null> =>
    along(columns, shown);
  const length = report.points.length;
  // There may be more or fewer days in the month before.
  const pastOf = (columns: Report["series"] | undefined) => {
    const values = valuesOf(columns);
    return Array.from({ length }, (_, i) => values[i] ?? null);
  };
  const series: Series[] =
    groupBy.length === 0
      ? [{ id: "all", label: whole, kind: "total", values: valuesOf(report.series) }]
      : report.groups.slice(0, mostGroups).map((g, i) => ({
          id: g.values.join(" "),
          label: labelOf(g, groupBy),
          kind: kindOf(g, groupBy, i),
          values: valuesOf(g.series),
        }));
  if (groupBy.length > 0 && report.other && report.groups.length <= mostGroups) {
    series.push({
      id: "other",
      label: "Everything else",
      kind: "other",
      values: valuesOf(report.other.series),
    });
  }
  if (report.previous?.series) {
    series.push({
      id: "previous",
      label: groupBy.length === 0 ? "Before" : "All, before",
      kind: "previous",
      values: pastOf(report.previous.series),
    });
    for (const [i, g] of groupBy.length === 0 ? [] : report.groups.slice(0, mostGroups).entries()) {
      const of = g.values.join(" ");
      series.push({
        id: `${of} before`,
        label: `${labelOf(g, groupBy)}, before`,
        kind: kindOf(g, groupBy, i),
        values: pastOf(g.previousSeries),
        beforeOf: of,
      });
    }
  }
  return series;
}

function kindOf(group: Group, groupBy: Dimension[], i: number): SeriesKind {
  const value = group.values[0];
  return groupBy.length === 1 && groupBy[0] === "decision" && isDecision(value)
    ? decisionKinds[value]
    : groupKind(i);
}
