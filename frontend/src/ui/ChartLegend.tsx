import { idOf, type LimitLine, looks, type Series } from "./chart-series";
import { clock, moment, momentInZone } from "./format";

type Props = {
  at: number[];
  bucketS: number;
  series: Series[];
  drawn: LimitLine[];
  above: LimitLine[];
  format: (value: number) => string;
  unit: string;
  /** The bucket under the pointer. */
  index: number | null;
  zone: string | undefined;
  isolated: string | null;
  onIsolate: ((id: string | null) => void) | undefined;
};

const entryClass = "inline-flex max-w-full items-center gap-1.5";

/** What each line is; under the pointer, its exact value. */
export function ChartLegend(props: Props) {
  const { at, bucketS, series, drawn, above, format, unit, index, zone } = props;
  const { onIsolate } = props;
  const hoveredAt = index === null ? undefined : at[index];
  const isolated = series.some((s) => idOf(s) === props.isolated) ? props.isolated : null;
  // What was before belongs to the entry of what it became.
  const entries = series.filter((s) => s.beforeOf === undefined);
  const pastOf = (id: string) => series.find((s) => s.beforeOf === id);
  return (
    <figcaption className="flex min-h-6 flex-wrap items-center gap-x-4 gap-y-1 pb-1 text-small">
      {entries.map((s) => {
        const value = index === null ? undefined : s.values[index];
        const id = idOf(s);
        const before = index === null ? undefined : pastOf(id)?.values[index];
        const entry = (
          <>
            <Swatch kind={s.kind} />
            <span className="min-w-0 truncate">{s.label}</span>
            {index !== null && (
              <b className="font-medium text-ink">
                {value === null || value === undefined ? "no data" : format(value)}
              </b>
            )}
            {before !== null && before !== undefined && <span>({format(before)} before)</span>}
          </>
        );
        if (!onIsolate) {
          return (
            <span key={id} className={`${entryClass} text-muted`}>
              {entry}
            </span>
          );
        }
        return (
          <button
            key={id}
            type="button"
            aria-pressed={isolated === id}
            title={isolated === id ? "Show all again" : `Show ${s.label} alone`}
            onClick={() => onIsolate(isolated === id ? null : id)}
            className={`${entryClass} -mx-1 rounded-control px-1 hover:bg-hover hover:text-ink pointer-coarse:min-h-6 ${
              isolated === null || isolated === id ? "text-muted" : "text-faint line-through"
            }`}
          >
            {entry}
          </button>
        );
      })}
      {drawn.map((limit) => (
        <span key={limit.label} className="inline-flex items-center gap-1.5 text-muted">
          <svg aria-hidden="true" width="18" height="8">
            <line x1="0" y1="4" x2="18" y2="4" stroke="var(--ink)" strokeWidth="1.5" />
            <path d="M3 1v6M15 1v6" stroke="var(--ink)" strokeWidth="1.5" />
          </svg>
          {limit.label}
        </span>
      ))}
      {above.map((limit) => (
        <span key={limit.label} className="text-faint">
          {limit.label}, above the chart
        </span>
      ))}
      <span className="ml-auto text-faint">
        {hoveredAt === undefined
          ? unit
          : bucketS < 60
            ? clock(hoveredAt * 1000)
            : zone
              ? momentInZone(hoveredAt * 1000, zone)
              : moment(hoveredAt * 1000).slice(0, -3)}
      </span>
    </figcaption>
  );
}

function Swatch({ kind }: { kind: Series["kind"] }) {
  const look = looks[kind];
  return (
    <svg aria-hidden="true" width="18" height="8" className="shrink-0">
      {look.fill && <rect y="4" width="18" height="4" fill={`var(${look.color})`} opacity="0.25" />}
      <line
        x1="0"
        y1={look.fill ? 3 : 4}
        x2="18"
        y2={look.fill ? 3 : 4}
        stroke={`var(${look.color})`}
        strokeWidth="2"
        strokeDasharray={look.dash.join(" ")}
      />
    </svg>
  );
}
