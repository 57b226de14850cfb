import type { CombinedError } from "@urql/core";

/** One field that somebody else changed; a null was not there. */
export type ChangedField = { path: string; before: unknown; after: unknown };

/** What became of the thing that an edit is based on, as far as the server knows. */
export type Stale = {
  /** The revision that it is at now; null when that isn't told. */
  revision: number | null;
  changed: ChangedField[];
  by: string | null;
  /** RFC 3339. */
  at: string | null;
  /** What the server says of it, as a sentence. */
  said: string;
};

/** What a mutation was refused for, ready to be shown. */
export type Faults = {
  /** Messages by the path of the field at fault, such as `limits.0.amount`. */
  fields: Record<string, string>;
  /** What belongs to no field: a conflict, a lost connection, a bug. */
  general: string[];
  /** The state of things does not allow it now. */
  conflict: boolean;
  /** Somebody else changed what was edited since it was read; see StaleDialog. */
  stale: Stale | null;
};

/** Nothing was refused. */
export const noFaults: Faults = { fields: {}, general: [], conflict: false, stale: null };

type Extensions = {
  code?: unknown;
  field?: unknown;
  revision?: unknown;
  changed?: unknown;
  changedBy?: unknown;
  changedAt?: unknown;
};

/** Whether the server wants the caller to sign in. */
export function isUnauthenticated(error: CombinedError): boolean {
  if (error.response?.status === 401) return true;
  return error.graphQLErrors.some(
    (e) => (e.extensions as Extensions | undefined)?.code === "UNAUTHENTICATED",
  );
}

/** Whether the caller lacks a permission. */
export function isForbidden(error: CombinedError): boolean {
  return error.graphQLErrors.some(
    (e) => (e.extensions as Extensions | undefined)?.code === "FORBIDDEN",
  );
}

/** Whether there is no such thing, or none that the caller may see. */
export function isMissing(error: CombinedError): boolean {
  return error.graphQLErrors.some(
    (e) => (e.extensions as Extensions | undefined)?.code === "NOT_FOUND",
  );
}

/** Whether the question itself is at fault, so that asking again would not help. */
export function isRefused(error: CombinedError): boolean {
  return error.graphQLErrors.some(
    (e) => (e.extensions as Extensions | undefined)?.code === "VALIDATION",
  );
}

/**
 * Sorts a mutation's errors by field. A field that the form doesn't show is
 * matched to its closest shown ancestor, and ends up in `general` when there
 * is none, so that no message gets lost.
 */
export function faultsOf(error: CombinedError, shown: (field: string) => boolean): Faults {
  const faults: Faults = { ...noFaults, fields: {}, general: [] };
  if (error.networkError) faults.general.push(explain(error));
  for (const e of error.graphQLErrors) {
    const extensions = (e.extensions ?? {}) as Extensions;
    const { code, field } = extensions;
    if (code === "CONFLICT") faults.conflict = true;
    faults.stale ??= staleOf(extensions, e.message);
    const at = typeof field === "string" ? closest(field, shown) : undefined;
    if (at === undefined) faults.general.push(sentence(e.message));
    else faults.fields[at] ??= sentence(e.message);
  }
  return faults;
}

function staleOf({ code, field, ...told }: Extensions, message: string): Stale | null {
  if (code !== "CONFLICT" || !/(^|\.)revision$/.test(String(field))) return null;
  return {
    revision: typeof told.revision === "number" ? told.revision : null,
    changed: Array.isArray(told.changed) ? (told.changed as ChangedField[]) : [],
    by: typeof told.changedBy === "string" ? told.changedBy : null,
    at: typeof told.changedAt === "string" ? told.changedAt : null,
    said: sentence(message),
  };
}

function closest(field: string, shown: (field: string) => boolean): string | undefined {
  const path = field.replace(/^input\./, "").split(".");
  while (path.length > 0) {
    const candidate = path.join(".");
    if (shown(candidate)) return candidate;
    path.pop();
  }
  return undefined;
}

/** One sentence for people: what went wrong, without the library's prefixes. */
export function explain(error: CombinedError): string {
  if (error.graphQLErrors.length > 0)
    return [...new Set(error.graphQLErrors.map((e) => sentence(e.message)))].join(" ");
  const status = error.response?.status;
  if (status !== undefined && status >= 400) return `The control plane answered ${status}.`;
  return "The control plane can't be reached.";
}

/** Go writes errors in lower case without a full stop; people read sentences. */
function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
