import type { AnyVariables, CombinedError, TypedDocumentNode } from "@urql/core";
import { useEffect, useRef } from "react";
import { useQuery } from "urql";

/** What a page needs to know of a query. */
export type Polled<T> = {
  /** The newest answer; stays while the next one is on its way. */
  data: T | undefined;
  error: CombinedError | undefined;
  /** Nothing to show yet. */
  loading: boolean;
  reload: () => void;
};

type Options<V> = {
  query: TypedDocumentNode<unknown, V>;
  variables: V;
  /** How often to ask again; null for never. Nothing is asked while the tab is hidden. */
  everyMS: number | null;
  /** Answers are kept on screen while the variables change, but not across this key. */
  key?: string;
  pause?: boolean;
};

/** A query that asks again from time to time, without flicker between answers. */
export function usePolled<T, V extends AnyVariables>(
  options: Options<V> & { query: TypedDocumentNode<T, V> },
): Polled<T> {
  const { query, variables, everyMS, key = "", pause = false } = options;
  const [result, execute] = useQuery({
    query,
    variables,
    requestPolicy: "cache-and-network",
    pause,
  } as Parameters<typeof useQuery<T, V>>[0]);

  useEffect(() => {
    if (everyMS === null || pause) return;
    const again = () => {
      if (!document.hidden) execute({ requestPolicy: "network-only" });
    };
    const timer = setInterval(again, everyMS);
    document.addEventListener("visibilitychange", again);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", again);
    };
  }, [everyMS, execute, pause]);

  const kept = useRef<{ key: string; data: T } | null>(null);
  if (result.data !== undefined && result.data !== null && !result.error) {
    kept.current = { key, data: result.data };
  }
  const data = kept.current?.key === key ? kept.current.data : undefined;
  return {
    data,
    error: result.error,
    loading: data === undefined && !result.error,
    reload: () => execute({ requestPolicy: "network-only" }),
  };
}
