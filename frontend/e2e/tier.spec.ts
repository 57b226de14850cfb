import { expect, type Locator, type Page, test } from "@playwright/test";
import { openCommandMenu, violations } from "./axe";
import { ask, restore, send, type Tier, tierNamed } from "./gateway";
import { publish } from "./publish";

let before: Tier;
test.beforeEach(async ({ page }) => {
  before = await tierNamed(page, "Basic");
});
test.afterEach(async ({ page }) => {
  await restore(page, before);
});

/** The form of the limit that counts all of an account's requests, opened. */
async function accountLimit(page: Page): Promise<Locator> {
  const limit = before.limits.find((l) => l.selector === "ALL" && l.kind === "RATE");
  if (!limit) throw new Error("Basic has no rate for all requests");
  const row = page.getByRole("button", { name: new RegExp(`^${limit.name} `) });
  if ((await row.getAttribute("aria-expanded")) === "false") await row.click();
  return page.getByRole("group", { name: limit.name, exact: true });
}

/** The tier's own name, which limits have too. */
const tierName = (page: Page) => page.getByRole("region", { name: "Tier" }).getByLabel("Name");

test("a changed limit decides the next requests, and its rollout is seen", async ({
  page,
  request,
}) => {
  await page.goto("/tiers");
  await page.getByRole("link", { name: "Basic", exact: true }).click();
  const row = await accountLimit(page);
  await row.getByLabel("Requests", { exact: true }).fill("5");
  await row.getByLabel("Per", { exact: true }).selectOption("minute");
  await row.getByLabel("Burst", { exact: true }).fill("");
  await expect(page.getByText(/100\/min becomes 5\/min/)).toBeVisible();
  await publish(page);
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();

  let last = await send(request);
  expect(last.headers()["ratelimit-policy"]).toContain("q=5;");
  for (let i = 0; i < 10 && last.status() === 200; i++) last = await send(request);
  expect(last.status()).toBe(429);
  expect(last.headers()["ratelimit-policy"]).toContain("q=5;");
  expect(Number(last.headers()["retry-after"])).toBeGreaterThan(0);
});

test("limits are moved with the keyboard, and stay where they were put", async ({ page }) => {
  expect(before.limits.length).toBeGreaterThan(1);
  await page.goto(`/tiers/${before.id}`);
  const names = () =>
    page
      .getByRole("region", { name: "Limits" })
      .getByRole("button", { name: /^Remove / })
      .evaluateAll((buttons) =>
        buttons.map((b) => b.getAttribute("aria-label")?.slice("Remove ".length)),
      );
  const order = before.limits.map((l) => l.name);
  await expect.poll(names).toEqual(order);
  const up = page.getByRole("button", { name: `Move ${order.at(-1)} up`, exact: true });
  await up.focus();
  for (let i = 1; i < order.length; i++) await page.keyboard.press("Enter");
  const moved = [order.at(-1), ...order.slice(0, -1)];
  await expect.poll(names).toEqual(moved);
  await expect(up).toBeFocused();
  await expect(page.getByText(`${moved[0]} is now 1 of ${order.length}`)).toBeAttached();
  await page.keyboard.press("Enter");
  await expect.poll(names).toEqual(moved);
  const down = page.getByRole("button", { name: `Move ${moved[0]} down`, exact: true });
  await down.press("Enter");
  await expect.poll(async () => (await names())[1]).toBe(moved[0]);
  await expect(down).toBeFocused();
  await up.press("Enter");

  await expect(page.getByText("The limits are listed in another order")).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  await page.reload();
  await expect.poll(names).toEqual(moved);
});

test("what the server refuses stands beside its field, and what was typed stays", async ({
  page,
}) => {
  await page.goto(`/tiers/${before.id}`);
  const row = await accountLimit(page);
  await row.getByLabel("Requests", { exact: true }).fill("0");
  await page.getByRole("button", { name: "Publish…" }).click();
  await expect(row.getByLabel("Requests", { exact: true })).toHaveAccessibleDescription(
    /whole number/,
  );
  await row.getByLabel("Requests", { exact: true }).fill("7");
  await expect(row.getByLabel("Requests", { exact: true })).toHaveAccessibleDescription("");

  await tierName(page).fill("Enterprise");
  await publish(page);
  await expect(tierName(page)).toHaveAccessibleDescription(/Enterprise|exist|taken|another/i);
  await expect(row.getByLabel("Requests", { exact: true })).toHaveValue("7");
});

test("somebody else's edit is not overwritten unseen", async ({ page }) => {
  await page.goto(`/tiers/${before.id}`);
  const row = await accountLimit(page);
  await row.getByLabel("Requests", { exact: true }).fill("70");
  await ask(page, "mutation($i: UpdateTierInput!) { updateTier(input: $i) { snapshot } }", {
    i: { id: before.id, name: "Basic plus" },
  });
  await publish(page);
  const dialog = page.getByRole("dialog", { name: "Somebody else changed this tier" });
  await expect(dialog.getByText("It was Basic, and is Basic plus now.")).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Put mine on top" }).click();
  await expect(row.getByLabel("Requests", { exact: true })).toHaveValue("70");
  await tierName(page).fill("Basic plus");

  await ask(page, "mutation($i: UpdateTierInput!) { updateTier(input: $i) { snapshot } }", {
    i: { id: before.id, name: "Basic minus" },
  });
  await publish(page);
  await expect(dialog.getByText("is Basic minus now")).toBeVisible();
  await dialog.getByRole("button", { name: "Take theirs" }).click();
  await expect(page.getByRole("heading", { name: "Basic minus" })).toBeVisible();
  await expect(page.getByText("No changes yet")).toBeVisible();
});

test("unsaved changes are not lost by a wrong click or a step back", async ({ page }) => {
  await page.goto("/tiers");
  await page.getByRole("link", { name: "Basic", exact: true }).click();
  const row = await accountLimit(page);
  await row.getByLabel("Requests", { exact: true }).fill("42");
  const dialog = page.getByRole("dialog", { name: "Leave without saving?" });

  await page.getByRole("navigation").getByRole("link", { name: "Accounts" }).click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(row.getByLabel("Requests", { exact: true })).toHaveValue("42");

  await page.evaluate(() => history.back());
  await dialog.getByRole("button", { name: "Discard changes" }).click();
  await expect(page.getByRole("heading", { name: "Tiers", level: 1 })).toBeVisible();
});

test("a tier can be changed with the keyboard alone", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  await openCommandMenu(page);
  await page.keyboard.type("Basic");
  await expect(page.getByRole("option", { name: /Basic\s*Tier/ })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Basic", level: 1 })).toBeVisible();

  const limit = before.limits.find((l) => l.selector === "ALL" && l.kind === "RATE");
  await tabTo(page, page.getByRole("button", { name: new RegExp(`^${limit?.name} `) }));
  await page.keyboard.press("Enter");
  const amount = (await accountLimit(page)).getByLabel("Requests", { exact: true });
  await tabTo(page, amount);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("99");
  await tabTo(page, page.getByRole("button", { name: "Publish…" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("Note")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  await expect((await accountLimit(page)).getByLabel("Requests", { exact: true })).toHaveValue(
    "99",
  );
});

/** Presses Tab until `target` has the focus. */
async function tabTo(page: Page, target: Locator) {
  const focused = () => target.evaluate((element) => element === document.activeElement);
  for (let presses = 0; presses < 60; presses++) {
    if (await focused()) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("60 presses of Tab did not reach it");
}
