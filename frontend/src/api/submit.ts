import type { OperationResult } from "@urql/core";
import { useState } from "react";
import { type Faults, faultsOf } from "./errors";

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
    setFaults({ fields: { [field]: message }, general: [], conflict: false });
  return { submit, refuse, busy, faults };
}
