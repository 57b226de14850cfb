export const statuses = ["TRIAL", "ACTIVE", "SUSPENDED", "CLOSED"] as const;
type Status = (typeof statuses)[number];

export type AccountFilter = {
  text?: string;
  tierId?: string;
  statuses?: Status[];
  labels?: Array<{ key: string; value?: string }>;
};

/** What the URL says of which accounts are meant; a label is key or key=value. */
export function accountFilter(from: {
  search: string | null;
  tierId: string | null;
  status: string | null;
  label: string | null;
}): AccountFilter {
  const filter: AccountFilter = {};
  if (from.search) filter.text = from.search;
  if (from.tierId) filter.tierId = from.tierId;
  const status = statuses.find((s) => s === from.status);
  if (status) filter.statuses = [status];
  const [key = "", ...value] = (from.label ?? "").split("=");
  if (key.trim()) {
    filter.labels = [
      value.length > 0 ? { key: key.trim(), value: value.join("=").trim() } : { key: key.trim() },
    ];
  }
  return filter;
}
