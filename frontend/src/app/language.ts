/**
 * Gives the browser a language that can be formatted with, where its own can't:
 * Chromium under LANG=C.UTF-8 calls it en-US@posix, and the chart library throws
 * on that as soon as it is loaded.
 */
export function mendLanguage(browser: { language: string } = navigator) {
  try {
    new Intl.NumberFormat(browser.language);
  } catch {
    Object.defineProperty(browser, "language", { value: "en-US", configurable: true });
  }
}
