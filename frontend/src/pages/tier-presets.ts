import type { LimitDraft } from "./tier-form";

/** Limits that are asked for most; each is a beginning, and can be changed in every part. */
export const presets: Array<{ label: string; limit: Partial<LimitDraft> }> = [
  {
    label: "Requests per minute",
    limit: { name: "per-minute", amount: "1000" },
  },
  {
    label: "Strict sliding window",
    limit: { name: "window", kind: "WINDOW", amount: "1000", period: "MINUTE" },
  },
  {
    label: "Monthly quota",
    limit: { name: "monthly", kind: "QUOTA", amount: "1000000", period: "MONTH" },
  },
  {
    label: "MB per hour",
    limit: { name: "bandwidth", measure: "BYTES", amount: "500 MB", period: "HOUR" },
  },
  {
    label: "Writes only",
    limit: { name: "writes", target: "WRITES", amount: "100" },
  },
  {
    label: "Per address",
    limit: { name: "per-address", subject: "ADDRESS", amount: "60" },
  },
];
