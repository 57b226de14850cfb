import { useEffect, useRef } from "react";

/**
 * For a form that begins anew when `key` changes: what had the focus is gone then, and the
 * focus is on the form's first field. Goes on what the form is in.
 */
export function useFocusAnew<T extends HTMLElement>(key: unknown) {
  const box = useRef<T>(null);
  const last = useRef(key);
  useEffect(() => {
    const anew = last.current !== undefined && last.current !== key;
    last.current = key;
    if (anew && document.activeElement === document.body)
      box.current?.querySelector<HTMLElement>("input, select")?.focus();
  }, [key]);
  return box;
}
