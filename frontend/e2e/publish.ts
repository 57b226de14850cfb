import type { Page } from "@playwright/test";

/** Publishes what was edited on a tier's page, for all its accounts at once. */
export async function publish(page: Page) {
  await page.getByRole("button", { name: "Publish…" }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Publish/ })
    .click();
}
