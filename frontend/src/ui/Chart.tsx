import { useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { ChartLegend } from "./ChartLegend";
import { plotOptions } from "./chart-plot";
import {
  axisTop,
  closed,
  drawnLimits,
  isBefore,
  isolatedSeries,
  type LimitLine,
  lookOf,
  type Series,
  stackedLayers,
  withoutIdle,
} from "./chart-series";
import { short } from "./format";
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
  /** Bars on top of one another instead of lines. */
  stacked?: boolean;
  /** A value on the axis; the default is a short count. */
  axis?: (value: number) => string;
  /** IANA time zone of axis and legend; the default is the reader's own. */
  zone?: string | undefined;
  /** The only series to draw, by its id; the legend chooses it. */
  isolated?: string | null;
  onIsolate?: (id: string | null) => void;
};

/** A chart over time on a canvas. Everything it shows, its table twin says too. */
export function Chart(props: ChartProps) {
  const { label, at, bucketS, limits = [], format, unit, height = 220, live } = props;
  const { stacked = false, axis = short, zone, isolated = null, onIsolate } = props;
  const series = useMemo(() => isolatedSeries(props.series, isolated), [props.series, isolated]);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const theme = useThemeVersion();
  const { drawn, above } = drawnLimits(series, limits);
  const top = useEffectEvent((max: number | null) => axisTop(max, drawn, props.atLeast ?? 1));
  const limitLines = useEffectEvent(() => drawn);
  const zoom = useEffectEvent((from: number, to: number) => props.onZoom?.(from, to));
  const columns = useEffectEvent((): uPlot.AlignedData => {
    const layers = stacked ? stackedLayers(series) : series;
    const values = layers.map((s) =>
      (stacked && !isBefore(s)) || lookOf(s).fill ? s.values : withoutIdle(s.values),
    );
    const data = live ? { at, values } : closed(at, values, bucketS);
    return [data.at, ...data.values] as uPlot.AlignedData;
  });
  const axisValue = useEffectEvent((value: number) => axis(value));
  const layers = stacked ? stackedLayers(series) : series;
  const drawnAs = JSON.stringify(
    layers.map((s) => ({ ...lookOf(s), asBars: stacked && !isBefore(s) })),
  );
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
        looks: JSON.parse(drawnAs),
        stepped: !live,
        zone,
        axis: axisValue,
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
  }, [drawnAs, height, live, zoomable, theme, zone]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn again exactly when these change
  useEffect(() => {
    plot.current?.setData(columns());
  }, [at, series, limits, axis]);

  // The closing point of a stepped series belongs to the bucket before it.
  const shown = hovered === null ? null : Math.min(hovered, at.length - 1);
  return (
    <figure className="min-w-0 px-4 pb-3" aria-label={label}>
      <ChartLegend
        at={at}
        bucketS={bucketS}
        series={props.series}
        isolated={isolated}
        onIsolate={onIsolate}
        zone={zone}
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
