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
/** Each theme and each end of the widths once. */
export const looks = [
  { colorScheme: "light", width: 1440 },
  { colorScheme: "dark", width: 390 },
] as const;

/** Shows a page in a theme, at a width. */
export async function look(
  page: Page,
  { colorScheme, width }: { colorScheme: (typeof themes)[number]; width: number },
) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
}

/** Leaves pictures of a page in e2e/screenshots, when WEIR_PICTURES asks for them. */
export async function pictures(page: Page, name: string, { fullPage = false } = {}) {
  if (!process.env.WEIR_PICTURES) return;
  for (const { colorScheme, width } of looks) {
    await look(page, { colorScheme, width });
    await page.screenshot({
      path: `e2e/screenshots/${name}-${width}-${colorScheme}.png`,
      fullPage,
    });
  }
}

/** Waits until a page shows its data. */
export async function settled(page: Page) {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator('[aria-busy="true"], [aria-label^="Loading"]')).toHaveCount(0);
}

/** Opens the command menu by its shortcut, which there is once the page is drawn. */
export async function openCommandMenu(page: Page) {
  await expect(page.getByRole("button", { name: "Search or jump to" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: /^Search pages/ })).toBeFocused();
}

/** Which tables are wider than what they are in, and by how many pixels. */
export function tooWide(page: Page) {
  return page
    .locator("main [role=group]:has(> table)")
    .evaluateAll((boxes) =>
      boxes
        .filter((box) => box.scrollWidth > box.clientWidth)
        .map((box) => `${box.ariaLabel}: ${box.scrollWidth - box.clientWidth}`),
    );
}

/** What axe finds wrong with the page as it is, or with what a selector finds in it. */
export async function violations(page: Page, within = "html") {
  await page.evaluate(axeSource);
  const results = await page.evaluate((selector): Promise<AxeResults> => {
    const { axe } = globalThis as never as { axe: typeof import("axe-core") };
    return axe.run(selector, { resultTypes: ["violations"] });
  }, within);
  return results.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`);
}
