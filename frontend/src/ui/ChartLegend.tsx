import { type LimitLine, looks, type Series } from "./chart-series";
import { clock, moment } from "./format";

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
};

/** What each line is; under the pointer, its exact value. */
export function ChartLegend({ at, bucketS, series, drawn, above, format, unit, index }: Props) {
  const hoveredAt = index === null ? undefined : at[index];
  return (
    <figcaption className="flex min-h-6 flex-wrap items-center gap-x-4 gap-y-1 pb-1 text-small">
      {series.map((s) => {
        const value = index === null ? undefined : s.values[index];
        return (
          <span key={s.label} className="inline-flex items-center gap-1.5 text-muted">
            <Swatch kind={s.kind} />
            {s.label}
            {index !== null && (
              <b className="font-medium text-ink">
                {value === null || value === undefined ? "no data" : format(value)}
              </b>
            )}
          </span>
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
            : moment(hoveredAt * 1000).slice(0, -3)}
      </span>
    </figcaption>
  );
}

function Swatch({ kind }: { kind: Series["kind"] }) {
  const look = looks[kind];
  return (
    <svg aria-hidden="true" width="18" height="8">
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
