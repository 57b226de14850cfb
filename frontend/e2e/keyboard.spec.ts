import { expect, type Page, test } from "@playwright/test";
import { settled } from "./axe";
import { act, type Customer, customer, perMinute } from "./gateway";

let someone: Customer;
test.beforeAll(async ({ browser }) => {
  const page = await browser.newPage();
  someone = await customer(page, [perMinute(100)]);
  await page.close();
});

/** The buttons that open dialogs, by the page that they are on. */
const openers: Array<{ path: () => string; of: string[] }> = [
  { path: () => "/accounts", of: ["New account", "Leaked keys"] },
  {
    path: () => `/accounts/${someone.accountId}`,
    of: [
      "Settings",
      "Adjust usage",
      "Reset counters",
      "Change status",
      "Override per-minute",
      "New key",
      "New identity",
    ],
  },
  { path: () => "/endpoints", of: ["New endpoint", "Import OpenAPI", "New group"] },
  { path: () => "/audit", of: ["Verify"] },
  { path: () => "/settings", of: ["New meter"] },
  { path: () => "/settings/members", of: ["Invite"] },
  { path: () => "/settings/tokens", of: ["New token"] },
];

const button = (page: Page, name: string) =>
  page.getByRole("button", { name, exact: true }).first();

test("every dialog opens with Enter, takes the focus, closes with Escape, and gives it back", async ({
  page,
}) => {
  for (const { path, of } of openers) {
    await page.goto(path());
    await settled(page);
    for (const name of of) {
      const what = `${name} on ${path()}`;
      await button(page, name).press("Enter");
      const dialog = page.getByRole("dialog");
      await expect(dialog, what).toBeVisible();
      await expect(dialog.locator(":focus"), `the focus within ${what}`).toHaveCount(1);
      await page.keyboard.press("Escape");
      await expect(dialog, what).toHaveCount(0);
      await expect(button(page, name), `the focus after ${what}`).toBeFocused();
    }
  }
});

test("a row's menu is worked with arrows, and its dialogs give the focus back to it", async ({
  page,
}) => {
  await page.goto(`/accounts/${someone.accountId}`);
  await settled(page);
  const keys = page.getByRole("region", { name: "Keys" });
  const menu = keys.getByRole("button", { name: "Actions for production" });
  await menu.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Scope" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "Expiry" })).toBeFocused();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Expiry of production" });
  await expect(dialog.getByLabel("Expires")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(menu).toBeFocused();

  // A form that is sent by keyboard alone, and what follows it.
  await act(keys, "production", "Rotate");
  await expect(page.getByLabel("The old key goes on for")).toBeFocused();
  await page.getByRole("button", { name: "Rotate key" }).press("Enter");
  // The secret is lost once it is closed, so no key but the button's does that.
  const once = page.getByRole("dialog", { name: "The new key" });
  await expect(once.locator(":focus")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(once.getByText(/^Copy it first/)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(once.getByRole("button", { name: "I have kept it" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(keys.locator(":focus")).toHaveAttribute("aria-label", "Actions for production");
});
