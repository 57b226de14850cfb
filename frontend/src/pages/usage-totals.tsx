import { changeWords, type Figures, figure, inFull, type Shown } from "~/explore/figures";
import { bytes, exact, percent, ratio } from "~/ui/format";
import { Skeleton } from "~/ui/states";

type Totals = Figures & { corrected: number; imported: number; late: number };

/** The sums of what is shown, as a row of small figures. */
export function UsageTotals({
  totals,
  before,
  shown,
  heading,
}: {
  totals: Totals | undefined;
  before: Figures | null | undefined;
  shown: Shown;
  heading: string;
}) {
  const part = (count: number, whole: number) => {
    const of = ratio(count, whole);
    return of === null || count === 0
      ? exact.format(count)
      : `${exact.format(count)} (${percent(of)})`;
  };
  const figures: Array<[string, string | undefined]> = [];
  if (shown.column !== "requests") {
    figures.push([heading, totals && inFull(figure(totals, shown), shown.unit)]);
  }
  figures.push(["Requests", totals && exact.format(totals.requests)]);
  if (totals && before) {
    figures.push([
      `${heading}, before`,
      `${inFull(figure(before, shown), shown.unit)} (${changeWords(figure(totals, shown), figure(before, shown))})`,
    ]);
  }
  figures.push(
    ["Throttled", totals && part(totals.throttled, totals.requests)],
    ["Errors (5xx)", totals && part(totals.errors, totals.requests)],
    ["Cost", totals && exact.format(totals.cost)],
    ["In / out", totals && `${bytes(totals.bytesIn)} / ${bytes(totals.bytesOut)}`],
  );
  if (totals?.corrected) figures.push(["Corrected by", inFull(totals.corrected, "requests")]);
  if (totals?.imported) figures.push(["Imported", inFull(totals.imported, "requests")]);
  if (totals?.late) figures.push(["Came in late", part(totals.late, totals.requests)]);
  return (
    <dl className="panel flex flex-wrap gap-x-8 gap-y-3 px-4 py-3">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt className="text-small text-faint">{name}</dt>
          <dd className="font-medium">{value ?? <Skeleton className="my-0.5 h-4 w-16" />}</dd>
        </div>
      ))}
    </dl>
  );
}
