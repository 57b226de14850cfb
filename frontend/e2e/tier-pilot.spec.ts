import { expect, type Page, test } from "@playwright/test";
import { violations } from "./axe";
import { ask, type Customer, customer, fresh, perMinute, sendUntilDenied } from "./gateway";

let someone: Customer;
test.beforeEach(async ({ page }) => {
  someone = await customer(page, [perMinute(1_000)]);
});

/** Neither axe nor the width of a phone finds anything. */
async function looksRight(page: Page) {
  const wide = page.viewportSize() ?? { width: 1440, height: 900 };
  expect(await violations(page)).toEqual([]);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await violations(page)).toEqual([]);
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(over).toBeLessThanOrEqual(0);
  await page.setViewportSize(wide);
}

/** Types another amount into the limit per-minute, and asks to try it on some. */
async function tryAmount(page: Page, amount: string) {
  await page.goto(`/tiers/${someone.tierId}`);
  await page.getByRole("button", { name: /^per-minute / }).click();
  const limit = page.getByRole("group", { name: "per-minute", exact: true });
  await limit.getByLabel("Requests", { exact: true }).fill(amount);
  const burst = limit.getByLabel("Burst", { exact: true });
  if (await burst.isVisible()) await burst.fill(amount);
  await page.getByRole("button", { name: "Try on some…" }).click();
}

test("a limit is tried on an account, which is refused by it, and everybody goes back at the end", async ({
  page,
  request,
}) => {
  const neighbour = fresh("Neighbour");
  await ask(page, "mutation($i: CreateAccountInput!) { createAccount(input: $i) { snapshot } }", {
    i: { name: neighbour, tierId: someone.tierId },
  });
  await tryAmount(page, "3");
  const dialog = page.getByRole("dialog");
  const changed = dialog.getByRole("row", { name: /per-minute Changed Allows/ });
  await expect(changed).toContainText("3/min");
  await dialog.getByLabel("Percent of the accounts").fill("0");
  await dialog.getByRole("button", { name: "Start the pilot" }).click();
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveAccessibleDescription(
    /Give it a name/,
  );
  await dialog.getByLabel("Name", { exact: true }).fill("3 a minute");
  await dialog.getByRole("combobox", { name: "Accounts by name" }).fill(someone.name);
  await dialog.getByRole("option", { name: someone.name }).click();
  await expect(dialog.getByText("Tried on 1 account by name.")).toBeVisible();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Start the pilot" }).click();
  const pilot = page.getByRole("region", { name: "Pilot “3 a minute”" });
  await expect(pilot.getByText("1 account in it: 0% of the tier’s, and 1 by name")).toBeVisible();
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  await expect(pilot.getByRole("row", { name: /^In the pilot 1 / })).toBeVisible();
  await expect(pilot.getByRole("row", { name: /^Outside 1 / })).toBeVisible();
  await looksRight(page);

  await sendUntilDenied(request, someone.key, 10);
  await page.goto(`/accounts/${someone.accountId}`);
  await expect(page.getByText("In the pilot “3 a minute”")).toBeVisible();

  await page.goto(`/tiers/${someone.tierId}`);
  await pilot.getByRole("button", { name: "Change who is in it" }).press("Enter");
  const change = page.getByRole("dialog", { name: "Who is in the pilot “3 a minute”" });
  await expect(change.getByRole("listitem").filter({ hasText: someone.name })).toBeVisible();
  await change.getByLabel("Percent of the accounts").fill("100");
  await change.getByRole("button", { name: "Change", exact: true }).click();
  await expect(pilot.getByText("2 accounts in it: 100% of the tier’s")).toBeVisible();

  await pilot.getByRole("button", { name: "End", exact: true }).click();
  const end = page.getByRole("dialog", { name: "End the pilot “3 a minute”?" });
  await expect(end.getByText("2 accounts in it are where they would be without it")).toBeVisible();
  await end.getByRole("button", { name: "End the pilot" }).click();
  await expect(page.getByText("The last pilot, “3 a minute”, ended")).toBeVisible();
  await expect(pilot).toHaveCount(0);
});

test("a pilot becomes a version, for all", async ({ page }) => {
  await tryAmount(page, "900");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("900 a minute");
  await dialog.getByLabel("Percent of the accounts").fill("100 %");
  await page.keyboard.press("Enter");
  const pilot = page.getByRole("region", { name: "Pilot “900 a minute”" });
  await pilot.getByRole("button", { name: "Make it a version…" }).click();
  const promote = page.getByRole("dialog", { name: "Make the pilot “900 a minute” version 2" });
  await expect(promote.getByText("1 account of the pilot is on it at once.")).toBeVisible();
  await promote.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("The last pilot, “900 a minute”, became version 2")).toBeVisible();
  await expect(page.getByRole("button", { name: /^per-minute / })).toContainText("900 requests");
});
