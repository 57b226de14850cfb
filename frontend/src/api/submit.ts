import type { OperationResult } from "@urql/core";
import { useState } from "react";
import { type Faults, faultsOf, noFaults } from "./errors";

/** What an edit of a revision has in its input; null is of whatever is there. */
export const basedOn = (revision: number | null) => (revision === null ? {} : { revision });

/** A form's mutation: whether it is under way, and what it was refused for, by field. */
export function useSubmit(fields: readonly string[]) {
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState<Faults | null>(null);
  /** Waits for an answer; null when it was refused, and then the form says why. */
  const submit = async <T>(sent: Promise<OperationResult<T>>): Promise<T | null> => {
    setBusy(true);
    const { data, error } = await sent;
    setBusy(false);
    setFaults(error ? faultsOf(error, (f) => fields.includes(f)) : null);
    return error ? null : (data ?? null);
  };
  /** Refuses a field before anything is sent. */
  const refuse = (field: string, message: string) =>
    setFaults({ ...noFaults, fields: { [field]: message } });
  /** Takes back what it was refused for, as when a StaleDialog is closed. */
  const forget = () => setFaults(null);
  return { submit, refuse, forget, busy, faults };
}
