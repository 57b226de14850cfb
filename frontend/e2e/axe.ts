import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, type Page } from "@playwright/test";
import type { AxeResults } from "axe-core";

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** The widths that every page has to look right at. */
export const widths = [1440, 768, 390];
export const themes = ["light", "dark"] as const;

/** Waits until a page shows its data. */
export async function settled(page: Page) {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator('[aria-busy="true"], [aria-label^="Loading"]')).toHaveCount(0);
}

/** What axe finds wrong with the page as it is, dialogs included. */
export async function violations(page: Page) {
  await page.evaluate(axeSource);
  const results = await page.evaluate(
    (): Promise<AxeResults> =>
      (globalThis as never as { axe: typeof import("axe-core") }).axe.run(),
  );
  return results.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`);
}
