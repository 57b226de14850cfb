import { type ComponentProps, useCallback, useEffect, useMemo, useState } from "react";
import { Link, useSearchParams } from "wouter";
import {
  minuteMS,
  queryWithRange,
  type Range,
  rangeFromQuery,
  sharedQuery,
  type Window,
  windowOf,
} from "./range";

/** The page's own query parameters, with a way to change some of them in place. */
export function useQueryState() {
  const [query, setQuery] = useSearchParams();
  const change = useCallback(
    (changes: Record<string, string | null>) =>
      setQuery(
        (old) => {
          const next = new URLSearchParams(old);
          for (const [name, value] of Object.entries(changes)) {
            if (value === null || value === "") next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace: true },
      ),
    [setQuery],
  );
  return [query, change] as const;
}

/** Adds the shared query (time range, live switch) to a path, so that it survives navigation. */
export function useHref() {
  const [query] = useSearchParams();
  const shared = sharedQuery(query).toString();
  return useCallback(
    (path: string, own: Record<string, string> = {}) => {
      const all = new URLSearchParams(shared);
      for (const [name, value] of Object.entries(own)) all.set(name, value);
      const text = all.toString();
      return text ? `${path}?${text}` : path;
    },
    [shared],
  );
}

/** A link within the dashboard that keeps the time range. */
export function AppLink({
  to,
  own,
  className = "font-medium text-ink hover:text-accent hover:underline",
  ...props
}: Omit<ComponentProps<"a">, "href"> & { to: string; own?: Record<string, string> }) {
  const href = useHref();
  return <Link {...props} className={className} href={href(to, own)} />;
}

/** The time, moving on once every `everyMS`. */
export function useNow(everyMS: number): number {
  const [nowMS, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMS);
    return () => clearInterval(timer);
  }, [everyMS]);
  return nowMS;
}

export type TimeRange = {
  range: Range;
  window: Window;
  /** As the API wants it. An open range has no end. */
  from: string;
  to: string | null;
  setRange: (range: Range) => void;
};

/** The global time range, from the URL. A preset moves along, minute by minute. */
export function useRange(): TimeRange {
  const [query, setQuery] = useSearchParams();
  const text = queryWithRange(new URLSearchParams(), rangeFromQuery(query)).toString();
  const minute = Math.floor(useNow(5_000) / minuteMS);
  const setRange = useCallback(
    (next: Range) => setQuery((old) => queryWithRange(old, next)),
    [setQuery],
  );
  return useMemo(() => {
    const range = rangeFromQuery(new URLSearchParams(text));
    const window = windowOf(range, minute * minuteMS);
    return {
      range,
      window,
      from: new Date(window.fromMS).toISOString(),
      to: window.open ? null : new Date(window.toMS).toISOString(),
      setRange,
    };
  }, [text, minute, setRange]);
}

/** Whether views keep themselves up to date; the live switch, from the URL. */
export function useLiveSwitch() {
  const [query, change] = useQueryState();
  const on = query.get("live") !== "off";
  const set = useCallback((next: boolean) => change({ live: next ? null : "off" }), [change]);
  return [on, set] as const;
}

const freshEveryMS = 5_000;

/** How often to ask again: every 5 s while live, never otherwise. */
export function useFreshness(): number | null {
  const [on] = useLiveSwitch();
  return on ? freshEveryMS : null;
}
