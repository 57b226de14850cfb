import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { ChartLegend } from "./ChartLegend";
import { plotOptions } from "./chart-plot";
import {
  axisTop,
  closed,
  drawnLimits,
  type LimitLine,
  looks,
  type Series,
  withoutIdle,
} from "./chart-series";
import { useThemeVersion } from "./theme";

export type ChartProps = {
  /** What is drawn, for those who can't see it. */
  label: string;
  /** The beginnings of the buckets, in seconds since 1970. */
  at: number[];
  /** The length of one bucket, in seconds. */
  bucketS: number;
  series: Series[];
  limits?: LimitLine[];
  /** An exact value with its unit. */
  format: (value: number) => string;
  /** The value axis's unit, said once. */
  unit: string;
  height?: number;
  /** The value axis reaches at least so far up. */
  atLeast?: number;
  /** Drag to choose a range, in milliseconds since 1970. */
  onZoom?: (fromMS: number, toMS: number) => void;
  /** Live charts are lines, and move; others are steps as wide as their buckets. */
  live?: boolean;
};

/** A chart over time on a canvas. Everything it shows, its table twin says too. */
export function Chart(props: ChartProps) {
  const { label, at, bucketS, series, limits = [], format, unit, height = 220, live } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const theme = useThemeVersion();
  const { drawn, above } = drawnLimits(series, limits);
  const top = useEffectEvent((max: number | null) => axisTop(max, drawn, props.atLeast ?? 1));
  const limitLines = useEffectEvent(() => drawn);
  const zoom = useEffectEvent((from: number, to: number) => props.onZoom?.(from, to));
  const columns = useEffectEvent((): uPlot.AlignedData => {
    const values = series.map((s) => (looks[s.kind].fill ? s.values : withoutIdle(s.values)));
    const data = live ? { at, values } : closed(at, values, bucketS);
    return [data.at, ...data.values] as uPlot.AlignedData;
  });
  const kinds = series.map((s) => s.kind).join(" ");
  const zoomable = props.onZoom !== undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme needs new colours
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(
      plotOptions({
        width: element.clientWidth,
        height,
        element,
        looks: kinds.split(" ").map((kind) => looks[kind as keyof typeof looks]),
        stepped: !live,
        zoomable,
        top,
        limitLines,
        onHover: setHovered,
        onZoom: zoom,
      }),
      columns(),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [kinds, height, live, zoomable, theme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn again exactly when these change
  useEffect(() => {
    plot.current?.setData(columns());
  }, [at, series, limits]);

  // The closing point of a stepped series belongs to the bucket before it.
  const shown = hovered === null ? null : Math.min(hovered, at.length - 1);
  return (
    <figure className="min-w-0 px-4 pb-3" aria-label={label}>
      <ChartLegend
        at={at}
        bucketS={bucketS}
        series={series}
        drawn={drawn}
        above={above}
        format={format}
        unit={unit}
        index={shown}
      />
      <div
        ref={box}
        role="img"
        aria-label={label}
        className="w-full overflow-hidden"
        style={{ height }}
      />
    </figure>
  );
}
