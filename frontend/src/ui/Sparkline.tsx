const width = 72;
const height = 24;

/** The shape of a series beside its figure; the figure says it in words. */
export function Sparkline({
  values,
  className = "",
}: {
  values: Array<number | null>;
  className?: string;
}) {
  const top = Math.max(...values.map((v) => v ?? 0), 0);
  if (values.length < 2 || top === 0) return null;
  return (
    <svg aria-hidden="true" width={width} height={height} className={`shrink-0 ${className}`}>
      <path
        d={strokes(values, top)}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** An SVG path through the values; a missing one lifts the pen. */
function strokes(values: Array<number | null>, top: number): string {
  let pen = "M";
  let path = "";
  values.forEach((value, i) => {
    if (value === null) {
      pen = "M";
      return;
    }
    const x = (i / (values.length - 1)) * width;
    const y = height - 1 - (value / top) * (height - 2);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return path;
}
