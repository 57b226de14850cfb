import uPlot from "uplot";
import type { LimitLine, Look } from "./chart-series";

type Wanted = {
  width: number;
  height: number;
  /** Whose custom properties give the colours. */
  element: HTMLElement;
  looks: Array<Look & { asBars: boolean }>;
  stepped: boolean;
  /** IANA time zone of the axis; the reader's own when left out. */
  zone: string | undefined;
  axis: (value: number) => string;
  zoomable: boolean;
  top: (dataMax: number | null) => number;
  limitLines: () => LimitLine[];
  onHover: (index: number | null) => void;
  onZoom: (fromMS: number, toMS: number) => void;
};

const font = "11px 'Inter Variable', system-ui, sans-serif";
const minute = 60;
const day = 86_400;

/** Options for uPlot, which knows neither our colours nor our axes. */
export function plotOptions(wanted: Wanted): uPlot.Options {
  const color = colorReader(wanted.element);
  const faint = color("--faint");
  const line = color("--line");
  const stepped = wanted.stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  const bars = uPlot.paths.bars?.({ align: 1, size: [0.9] });
  const { zone } = wanted;
  const dateAt = (seconds: number) => inZone(seconds, zone);
  return {
    ...(zone && { tzDate: dateAt }),
    width: wanted.width,
    height: wanted.height,
    // The last label of the time axis is centred on the edge, and takes half of its width.
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: wanted.zoomable, y: false, setScale: false },
      points: { size: 7 },
      // One cursor for all charts of a page; a drag stays with its own chart.
      sync: {
        key: "page",
        setSeries: false,
        filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
      },
    },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, wanted.top(max)] } },
    axes: [
      {
        stroke: faint,
        font,
        size: 26,
        gap: 6,
        space: 76,
        grid: { show: false },
        ticks: { stroke: line, size: 4 },
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((s) => timeLabel(dateAt(s), step)),
      },
      {
        stroke: faint,
        font,
        size: 46,
        gap: 6,
        space: 36,
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
        values: (_plot, splits) => splits.map(wanted.axis),
      },
    ],
    series: [
      {},
      ...wanted.looks.map((look) => {
        if (look.asBars && bars) {
          // A bar covers the taller ones behind it, so nothing may shine through.
          const fill = color(look.color, look.bar ?? 0.9, "var(--surface)");
          return { fill, width: 0, points: { show: false }, paths: bars };
        }
        return {
          stroke: color(look.color),
          width: look.width,
          dash: look.dash,
          points: { show: false },
          spanGaps: false,
          ...(look.fill && { fill: color(look.color, 0.14) }),
          ...(stepped && { paths: stepped }),
        };
      }),
    ],
    hooks: {
      draw: [(plot) => drawLimits(plot, wanted.limitLines(), color("--ink"))],
      setCursor: [(plot) => wanted.onHover(plot.cursor.idx ?? null)],
      setSelect: [(plot) => zoom(plot, wanted.onZoom)],
    },
  };
}

/** Custom properties as a canvas needs them: resolved, for the theme in force. */
function colorReader(element: HTMLElement) {
  const probe = document.createElement("span");
  return (property: string, opacity = 1, ground = "transparent") => {
    element.append(probe);
    probe.style.color =
      opacity === 1
        ? `var(${property})`
        : `color-mix(in srgb, var(${property}) ${opacity * 100}%, ${ground})`;
    const resolved = getComputedStyle(probe).color;
    probe.remove();
    return resolved;
  };
}

/** A date whose local getters read as the clocks in `zone` do. */
function inZone(seconds: number, zone: string | undefined): Date {
  const date = new Date(seconds * 1000);
  return zone ? uPlot.tzDate(date, zone) : date;
}

function timeLabel(d: Date, stepSeconds: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const time = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (stepSeconds < minute) return `${time}:${two(d.getSeconds())}`;
  const isMidnight = d.getHours() === 0 && d.getMinutes() === 0;
  if (stepSeconds < day && !isMidnight) return time;
  const date = d.toLocaleDateString("en-US", { month: "short", day: "numeric" });
  return stepSeconds > 300 * day ? String(d.getFullYear()) : date;
}

function drawLimits(plot: uPlot, limits: LimitLine[], stroke: string) {
  const { ctx, bbox } = plot;
  for (const limit of limits) {
    const y = plot.valToPos(limit.value, "y", true);
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.fillStyle = stroke;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `500 ${11 * devicePixelRatio}px 'Inter Variable', system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    const gap = 3 * devicePixelRatio;
    ctx.fillText(limit.label, bbox.left + bbox.width - gap, y - gap);
    ctx.restore();
  }
}

/** A drag shorter than this is a click that slipped. */
const shortestZoomPX = 8;

function zoom(plot: uPlot, onZoom: Wanted["onZoom"]) {
  const { left, width } = plot.select;
  if (width < shortestZoomPX) return;
  const whole = (px: number, round: (n: number) => number) =>
    round(plot.posToVal(px, "x") / minute) * minute * 1000;
  const fromMS = whole(left, Math.floor);
  const toMS = Math.max(whole(left + width, Math.ceil), fromMS + minute * 1000);
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom(fromMS, toMS);
}
