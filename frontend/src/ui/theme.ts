import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const storageKey = "weir.theme"; // also read by public/theme.js, before the first paint

let version = 0;
const listeners = new Set<() => void>();

function changed() {
  version++;
  for (const notify of listeners) notify();
}

function subscribe(notify: () => void) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  listeners.add(notify);
  system.addEventListener("change", changed);
  return () => {
    listeners.delete(notify);
    system.removeEventListener("change", changed);
  };
}

function currentTheme(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === "light" || set === "dark" ? set : "system";
}

/** Grows whenever colours change, for what is drawn on a canvas. */
export const useThemeVersion = () => useSyncExternalStore(subscribe, () => version);

export const useTheme = (): Theme => useSyncExternalStore(subscribe, currentTheme);

export function setTheme(theme: Theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, theme);
  } catch {
    // Storage is blocked: the choice lasts until the page is left.
  }
  changed();
}
