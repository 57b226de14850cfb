export type SortValue = string | number | null;
export type Sort = { column: string; descending: boolean };

/** `requests` or `-requests`, as it stands in a URL. */
export function parseSort(text: string | null, columns: string[], fallback: Sort): Sort {
  const descending = text?.startsWith("-") ?? false;
  const column = text?.replace(/^-/, "") ?? "";
  return columns.includes(column) ? { column, descending } : fallback;
}

export const formatSort = (sort: Sort) => (sort.descending ? "-" : "") + sort.column;

/** What a click on a column's head asks for: numbers begin with the largest. */
export function nextSort(current: Sort, column: string, numeric: boolean): Sort {
  if (current.column !== column) return { column, descending: numeric };
  return { column, descending: !current.descending };
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** A sorted copy. Equal rows keep their order; rows without a value come last either way. */
export function sorted<T>(
  rows: readonly T[],
  value: (row: T) => SortValue,
  descending: boolean,
): T[] {
  return rows.toSorted((a, b) => {
    const x = value(a);
    const y = value(b);
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order =
      typeof x === "number" && typeof y === "number"
        ? x - y
        : collator.compare(String(x), String(y));
    return descending ? -order : order;
  });
}
