import { expect, type Locator, type Page, test } from "@playwright/test";
import { customer, fresh, perMinute, send, sendUntilDenied, statusOf } from "./gateway";
import { publish } from "./publish";

/** Adds a limit by its preset; the form that opens. */
async function add(page: Page, preset: string, name: string): Promise<Locator> {
  await page
    .getByRole("group", { name: "Add a limit" })
    .getByRole("button", { name: preset })
    .click();
  return page.getByRole("group", { name, exact: true });
}

const sentenceOf = (page: Page, name: string) =>
  page.getByRole("listitem").getByRole("button", { name: new RegExp(`^${name} `) });

test("every kind of limit can be created, and says what it does", async ({ page }) => {
  const tier = fresh("Every kind");
  await page.goto("/tiers/new");
  await page.getByRole("region", { name: "Tier" }).getByLabel("Name").fill(tier);

  const rate = await add(page, "Requests per minute", "per-minute");
  await rate.getByLabel("For whom").selectOption({ label: "Each key by itself" });
  await rate.getByLabel("Burst", { exact: true }).fill("1,200");
  await rate.getByLabel("Give back what failed").check();
  await rate.getByLabel("Tighten while the upstream is unwell").check();

  const window = await add(page, "Strict sliding window", "window");
  await window.getByLabel("Which requests").selectOption({ label: "Reads: GET, HEAD, OPTIONS" });
  await window.getByLabel("While its state is unknown").selectOption("CLOSED");

  const quota = await add(page, "Monthly quota", "monthly");
  await expect(quota.getByLabel("Burst", { exact: true })).toHaveCount(0);
  await expect(quota.getByLabel(/Tighten/)).toHaveCount(0);
  await quota.getByLabel("Measures").selectOption({ label: "Cost units" });
  await quota.getByLabel("Per", { exact: true }).selectOption("BILLING");

  const bytes = await add(page, "MB per hour", "bandwidth");
  await bytes.getByRole("radio", { name: /^Soft/ }).check();
  await bytes.getByLabel("Enforce beyond, in percent over").fill("20");
  await bytes.getByLabel("Enforce after being over for").fill("15 min");

  await add(page, "Writes only", "writes");
  await page.getByRole("button", { name: "Try a stricter copy of writes in shadow" }).click();
  await page.keyboard.type("50");

  await page.getByRole("button", { name: "Create tier" }).click();
  await expect(page.getByRole("heading", { name: tier, level: 1 })).toBeVisible();
  const sentences: Array<[string, string]> = [
    ["per-minute", "Each key: at most 1,000 requests per minute, bursts of 1,200, all endpoints"],
    ["window", "never more than 1,000 requests in any minute, reads only; enforce; fails closed"],
    ["monthly", "a budget of 1,000,000 cost units per billing period, all endpoints; enforce"],
    ["bandwidth", "500 MB per hour, all endpoints; soft, enforces from 20% over or 15 min over"],
    ["writes", "at most 100 requests per minute, writes only; enforce"],
    ["writes-shadow", "at most 50 requests per minute, writes only; shadow, only counts"],
  ];
  for (const [name, sentence] of sentences) {
    await expect(sentenceOf(page, name)).toContainText(sentence);
  }
  await expect(sentenceOf(page, "per-minute")).toContainText("5xx given back; tightens to");

  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page
    .getByRole("dialog")
    .getByLabel(/to confirm/)
    .fill(tier);
  await page.getByRole("dialog").getByRole("button", { name: "Delete tier" }).click();
  await expect(page.getByRole("heading", { name: "Tiers", level: 1 })).toBeVisible();
  await expect(page.getByRole("link", { name: tier })).toHaveCount(0);
});

test("a limit by address can't stand beside others, and the field says so", async ({ page }) => {
  await page.goto("/tiers/new");
  await page.getByRole("region", { name: "Tier" }).getByLabel("Name").fill(fresh("Mixed"));
  const account = await add(page, "Requests per minute", "per-minute");
  await add(page, "Per address", "per-address");
  await page.getByRole("button", { name: "Create tier" }).click();
  await expect(account.getByLabel("For whom")).toHaveAccessibleDescription(/by address/);
  await account.getByLabel("For whom").selectOption("ADDRESS");
  await expect(account.getByLabel("For whom")).toHaveAccessibleDescription("");
});

test("a sliding window made here denies what goes over it", async ({ page, request }) => {
  const { tierId, key } = await customer(page, [perMinute(10_000)]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  await page.goto(`/tiers/${tierId}`);
  const window = await add(page, "Strict sliding window", "window");
  await window.getByLabel("Requests", { exact: true }).fill("3");
  await publish(page);
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  const denied = await sendUntilDenied(request, key, 5);
  expect(await denied.text()).toContain("window");
});

test("a shadow limit says what it would have refused, and enforces when told to", async ({
  page,
  request,
}) => {
  const { tierId, key } = await customer(page, [
    perMinute(10_000, { period: "DAY", name: "daily" }),
  ]);
  await page.goto(`/tiers/${tierId}`);
  await page.getByRole("button", { name: "Try a stricter copy of daily in shadow" }).click();
  await page.keyboard.type("2");
  await expect(page.getByText("daily-shadow: counts what 2/day would refuse")).toBeVisible();
  await publish(page);
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  for (let i = 0; i < 6; i++) expect((await send(request, "/hello", key)).status()).toBe(200);

  await page.getByRole("link", { name: /of daily-shadow$/ }).click();
  await expect(page.getByRole("heading", { name: "daily-shadow", level: 1 })).toBeVisible();
  await expect(
    page.getByText("Would have refused 4 of 6 requests (66.7%) of 1 account"),
  ).toBeVisible();
  const effect = page.getByRole("region", { name: "Effect" });
  await effect.getByRole("button", { name: "Table" }).click();
  await expect(effect.getByRole("columnheader", { name: "Would have been denied" })).toBeVisible();
  await expect(
    page.getByRole("region", { name: "Affected accounts" }).getByRole("row"),
  ).toHaveCount(2);

  await page.getByRole("button", { name: "Enforce it" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Enforce limit" }).click();
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Enforce it" })).toHaveCount(0);
  await expect.poll(() => statusOf(request, key)).toBe(429);
});
