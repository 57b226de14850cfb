import { expect, type Page, test } from "@playwright/test";
import { look, openCommandMenu, pictures, settled, violations } from "./axe";
import { act, type Customer, customer, perMinute } from "./gateway";

let someone: Customer;
test.beforeAll(async ({ browser }) => {
  const page = await browser.newPage();
  someone = await customer(page, [
    perMinute(100),
    { name: "bandwidth", measure: "BYTES", amount: 5_000_000, period: "HOUR", mode: "SOFT" },
  ]);
  await page.close();
});

const press = (name: string | RegExp) => (page: Page) =>
  page
    .getByRole("button", { name, exact: typeof name === "string" })
    .first()
    .click();

/** Chooses an action of the account's first key. */
const choose = (action: string) => async (page: Page) =>
  act(page.getByRole("region", { name: "Keys" }), "production", action);

type Opened = { name: string; open: (page: Page) => Promise<void> };

/** What opens over a page, by the name of its pictures; under the page's path. */
const opened: Array<{ on: string; path: () => string; over: Opened[] }> = [
  {
    on: "accounts",
    path: () => "/accounts",
    over: [
      { name: "new-account", open: press("New account") },
      { name: "leaked-keys", open: press("Leaked keys") },
      { name: "command-menu", open: openCommandMenu },
    ],
  },
  {
    on: "account",
    path: () => `/accounts/${someone.accountId}`,
    over: [
      { name: "override", open: press("Override per-minute") },
      { name: "settings-of-account", open: press("Settings") },
      { name: "change-tier", open: press("Change tier") },
      { name: "reset", open: press("Reset counters") },
      { name: "new-identity", open: press("New identity") },
      { name: "expiry", open: choose("Expiry") },
      { name: "revoke", open: choose("Revoke") },
      { name: "scope", open: choose("Scope") },
      { name: "rotate", open: choose("Rotate") },
    ],
  },
  {
    on: "endpoints",
    path: () => "/endpoints",
    over: [
      { name: "new-endpoint", open: press("New endpoint") },
      { name: "new-group", open: press("New group") },
    ],
  },
  {
    on: "usage",
    path: () => `/usage?range=15m&account=${someone.accountId}`,
    over: [
      { name: "adjust-usage", open: press("Adjust usage") },
      { name: "usage-filter", open: press(/^Endpoint/) },
      { name: "usage-export", open: press("Export all") },
    ],
  },
  {
    on: "settings",
    path: () => "/settings",
    over: [{ name: "new-meter", open: press("New meter") }],
  },
];

/** Its colours are those of the pages, which are checked in the light as well. */
async function narrowAndDark(page: Page, name: string, within: string) {
  await pictures(page, name);
  await look(page, { colorScheme: "dark", width: 390 });
  expect(await violations(page, within), `axe on ${name}`).toEqual([]);
}

const overlay = "dialog[open], [role=dialog], [role=menu]";

for (const { on, path, over } of opened) {
  test(`what opens over ${on}: no axe violation, narrow and dark`, async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(path());
    await settled(page);
    for (const { name, open } of over) {
      await look(page, { colorScheme: "light", width: 1440 });
      await open(page);
      await expect(page.locator(overlay), name).toBeVisible();
      await narrowAndDark(page, name, overlay);
      await page.keyboard.press("Escape");
      await expect(page.locator(overlay), name).toHaveCount(0);
    }
  });
}

test("a tier's form, unfolded: no axe violation, narrow and dark", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(`/tiers/${someone.tierId}`);
  await settled(page);
  await press(/^per-minute /)(page);
  await press(/^bandwidth /)(page);
  await press("Monthly quota")(page);
  await page
    .getByLabel(/^Tighten/)
    .first()
    .check();
  await narrowAndDark(page, "tier-form", "html");
});
