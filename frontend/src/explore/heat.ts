/** How many steps of colour a heat map has, the empty one not counted. */
export const heatSteps = 5;

export const weekdays = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
];

/** The upper ends of the steps: even parts of the largest value; empty without any. */
export function heatScale(values: Array<number | null>): number[] {
  const most = Math.max(0, ...values.map((v) => v ?? 0));
  if (most === 0) return [];
  return Array.from({ length: heatSteps }, (_, i) => (most * (i + 1)) / heatSteps);
}

/** The step of a value: 0 is nothing at all, and also what never came. */
export function heatStep(value: number | null, scale: number[]): number {
  if (value === null || value <= 0) return 0;
  return scale.findIndex((end) => value <= end) + 1;
}

/** From 14 to 15 is 14:00–15:00. */
export const hourWords = (hour: number) =>
  `${String(hour).padStart(2, "0")}:00–${String((hour + 1) % 24).padStart(2, "0")}:00`;
