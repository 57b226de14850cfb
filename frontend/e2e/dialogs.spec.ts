import { expect, type Page, test } from "@playwright/test";
import { settled, violations } from "./axe";
import { type Customer, customer, perMinute } from "./gateway";

// A headless Chromium now and then never answers when it is asked for a picture.
// A test that this happens to begins again, in a browser of its own.
test.describe.configure({ retries: 1 });

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

/** What opens over a page or within it, by the name of its pictures. */
const opened: Array<{ name: string; path: () => string; open: (page: Page) => Promise<void> }> = [
  { name: "new-account", path: () => "/accounts", open: press("New account") },
  { name: "new-endpoint", path: () => "/endpoints", open: press("New endpoint") },
  { name: "new-group", path: () => "/endpoints", open: press("New group") },
  {
    name: "override",
    path: () => `/accounts/${someone.accountId}`,
    open: press("Override per-minute"),
  },
  {
    name: "settings-of-account",
    path: () => `/accounts/${someone.accountId}`,
    open: press("Settings"),
  },
  { name: "change-tier", path: () => `/accounts/${someone.accountId}`, open: press("Change tier") },
  { name: "reset", path: () => `/accounts/${someone.accountId}`, open: press("Reset counters") },
  { name: "expiry", path: () => `/accounts/${someone.accountId}`, open: press(/^Expiry/) },
  { name: "revoke", path: () => `/accounts/${someone.accountId}`, open: press(/^Revoke/) },
  {
    name: "new-identity",
    path: () => `/accounts/${someone.accountId}`,
    open: press("New identity"),
  },
  {
    name: "tier-form",
    path: () => `/tiers/${someone.tierId}`,
    open: async (page) => {
      await press(/^per-minute /)(page);
      await press(/^bandwidth /)(page);
      await press("Monthly quota")(page);
      await page
        .getByLabel(/^Tighten/)
        .first()
        .check();
    },
  },
  {
    name: "adjust-usage",
    path: () => `/usage?range=15m&account=${someone.accountId}`,
    open: press("Adjust usage"),
  },
  { name: "new-meter", path: () => "/settings", open: press("New meter") },
  { name: "usage-filter", path: () => "/usage?range=15m", open: press(/^Account:/) },
  { name: "usage-export", path: () => "/usage?range=15m", open: press("Export all") },
  { name: "command-menu", path: () => "/tiers", open: (page) => page.keyboard.press("Control+k") },
];

/** Each theme and each end of the widths once. */
const looks = [
  { colorScheme: "light", width: 1440 },
  { colorScheme: "dark", width: 390 },
] as const;

for (const { name, path, open } of opened) {
  test(`${name}, opened: no axe violation, wide and light, narrow and dark`, async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(path());
    await settled(page);
    await open(page);
    for (const { colorScheme, width } of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      await page.screenshot({ path: `e2e/screenshots/${name}-${width}-${colorScheme}.png` });
      expect(await violations(page), `axe at ${width}`).toEqual([]);
    }
  });
}
