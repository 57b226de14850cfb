import type { CombinedError, TypedDocumentNode } from "@urql/core";
import { useEffect, useState } from "react";
import { useLiveSwitch } from "~/app/location";
import { stayTuned } from "./client";
import { useLiveConnection } from "./live";

/** What a page needs to know of a subscription. */
export type Subscribed<T> = {
  /** The newest event; stays while the connection is away. */
  data: T | undefined;
  /** Why the server refuses it; undefined when it doesn't. */
  error: CombinedError | undefined;
  /** Nothing to show yet. */
  loading: boolean;
  /** Cut off: what there is to show gets old. */
  stale: boolean;
  /** The live switch is on. */
  on: boolean;
};

/** Follows a subscription while the live switch is on. Other variables begin it anew. */
export function useSubscribed<T, V extends Record<string, unknown>>(
  document: TypedDocumentNode<T, V>,
  variables: V,
): Subscribed<T> {
  const [on] = useLiveSwitch();
  const connection = useLiveConnection();
  const [latest, setLatest] = useState<{ key: string; data: T }>();
  const [refusal, setRefusal] = useState<CombinedError | null>(null);
  const key = JSON.stringify(variables);
  useEffect(() => {
    if (!on) return;
    return stayTuned(document, JSON.parse(key) as V, {
      next: (data) => setLatest({ key, data }),
      refused: setRefusal,
    });
  }, [on, document, key]);
  const data = latest?.key === key ? latest.data : undefined;
  const error = refusal ?? undefined;
  return {
    data,
    error,
    loading: on && data === undefined && !error,
    stale: on && connection === "disconnected",
    on,
  };
}
