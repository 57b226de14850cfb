import { expect, type Page, test } from "@playwright/test";
import { settled, violations } from "./axe";
import { ask, type Customer, customer, fresh, perMinute, statusOf } from "./gateway";

let someone: Customer;
test.beforeEach(async ({ page }) => {
  someone = await customer(page, [perMinute(1_000)]);
});

/** Types another amount into the limit per-minute. */
async function typeAmount(page: Page, amount: string) {
  const row = page.getByRole("button", { name: /^per-minute / });
  if ((await row.getAttribute("aria-expanded")) === "false") await row.click();
  const limit = page.getByRole("group", { name: "per-minute", exact: true });
  await limit.getByLabel("Requests", { exact: true }).fill(amount);
}

async function moreAccounts(page: Page, count: number) {
  for (let i = 0; i < count; i++) {
    await ask(page, "mutation($i: CreateAccountInput!) { createAccount(input: $i) { snapshot } }", {
      i: { name: fresh("Mover"), tierId: someone.tierId },
    });
  }
}

const narrow = { width: 390, height: 844 };

/** Neither axe nor the width of a phone finds anything. */
async function looksRight(page: Page) {
  const wide = page.viewportSize() ?? { width: 1440, height: 900 };
  expect(await violations(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  await page.setViewportSize(narrow);
  // Until it is painted anew, some colours are still those of the other theme.
  await page.evaluate(
    () => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))),
  );
  expect(await violations(page)).toEqual([]);
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(over).toBeLessThanOrEqual(0);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(wide);
}

test("a draft is kept, continued and published for nobody; the account stays on its version", async ({
  page,
}) => {
  await page.goto(`/tiers/${someone.tierId}`);
  await typeAmount(page, "800");
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(page.getByText("You are editing the draft.")).toBeVisible();
  await page.reload();
  await expect(page.getByText("There is a draft of the next version.")).toBeVisible();
  await expect(page.getByText(/Saved by .+ just now|Saved by .+ ago/)).toBeVisible();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Publish…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Publish version 2 of / });
  const changed = dialog.getByRole("row", { name: /per-minute Changed Allows/ });
  await expect(changed).toContainText("1,000/min");
  await expect(changed).toContainText("800/min (−20%)");
  await dialog.getByLabel("Note").fill("new customers get 800");
  await dialog.getByRole("radio", { name: /^Nobody/ }).check();
  await expect(dialog.getByText("1 account stays on the version")).toBeVisible();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  await expect(page.getByText("There is a draft")).toHaveCount(0);

  await page.getByRole("link", { name: "Versions", exact: true }).click();
  const versions = page.getByRole("group", { name: "Versions" });
  await expect(
    versions.getByRole("row", { name: /^2 Current new customers get 800/ }),
  ).toBeVisible();
  await expect(versions.getByRole("row", { name: /^1 The first one\. 1 / })).toBeVisible();
  await settled(page);
  await looksRight(page);
});

test("an earlier version is compared, and published again", async ({ page }) => {
  await ask(page, "mutation($i: UpdateTierInput!) { updateTier(input: $i) { snapshot } }", {
    i: {
      id: someone.tierId,
      limits: [perMinute(500), { name: "daily", amount: 9, period: "DAY" }],
    },
  });
  await page.goto(`/tiers/${someone.tierId}/versions`);
  await page.getByRole("button", { name: "Compare version 1 with the current one" }).click();
  const diff = page.getByRole("group", { name: "Limits of Version 1 and Version 2" });
  await expect(diff.getByRole("row", { name: /daily Added/ })).toBeVisible();
  await expect(diff.getByRole("row", { name: /per-minute Removed/ })).toBeVisible();
  await page.getByRole("button", { name: "Swap the two versions" }).click();
  await expect(page.getByRole("row", { name: /daily Removed/ })).toBeVisible();
  await expect(page).toHaveURL(/from=ver_\d+&to=ver_\d+/);

  await page.getByRole("button", { name: "Publish again version 1" }).click();
  const dialog = page.getByRole("dialog", { name: /^Publish version 3 of / });
  await expect(dialog.getByLabel("Note")).toHaveValue("Back to version 1");
  await dialog.getByRole("button", { name: "Publish and move 1 account" }).click();
  await expect(page.getByText(/Saved, and on (\d+) of \1 workers? after/)).toBeVisible();
  await expect(page.getByRole("row", { name: /^3 Current Back to version 1/ })).toBeVisible();
});

test("an earlier version is previewed on its own page", async ({ page, request }) => {
  await ask(page, "mutation($i: UpdateTierInput!) { updateTier(input: $i) { snapshot } }", {
    i: { id: someone.tierId, limits: [perMinute(500)] },
  });
  await expect.poll(() => statusOf(request, someone.key)).toBe(200);
  await page.goto(`/tiers/${someone.tierId}/versions`);
  await settled(page);
  await looksRight(page);
  await expect(page.getByRole("button", { name: "Preview version 2" })).toBeVisible();
  await page.getByRole("button", { name: "Preview version 1" }).press("Enter");
  await expect(page.getByRole("heading", { name: "Version 1", level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/versions\/ver_\d+\/preview/);
  await expect(page.getByText("at most 1,000 requests per minute")).toBeVisible();
  const question = page.getByRole("region", { name: "What would this do?" });
  // It is played at once, and maybe before the usage was on its way to the rollups.
  await expect(question.getByText(/^No usage to play$|^None of 1 account/)).toBeVisible();
  await expect(async () => {
    await question.getByRole("button", { name: "Play", exact: true }).click();
    await expect(question.getByRole("status")).toContainText(
      "None of 1 account would have been throttled.",
      { timeout: 1_000 },
    );
  }).toPass();
  await expect(page).toHaveTitle(/^Preview of version 1 · Tier .+ · Tiers · Weir$/);
  await looksRight(page);
  await page.getByRole("link", { name: "Versions", exact: true }).click();
  await expect(page.getByRole("group", { name: "Versions" })).toBeVisible();
  await page.goto(`/tiers/${someone.tierId}/versions/ver_999999/preview`);
  await expect(page.getByRole("heading", { name: "There is no such version" })).toBeVisible();
});

test("a move in steps is paused, resumed and turned back, and says what that does", async ({
  page,
}) => {
  await moreAccounts(page, 3);
  await page.goto(`/tiers/${someone.tierId}`);
  await typeAmount(page, "900");
  await page.getByRole("button", { name: "Publish…" }).click();
  const publishing = page.getByRole("dialog");
  await publishing.getByRole("radio", { name: /^In steps/ }).check();
  await publishing.getByLabel("Percent of the accounts").fill("50, 20, 100");
  await publishing.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(publishing.getByLabel("Percent of the accounts")).toHaveAccessibleDescription(
    /each above the one before/,
  );
  await publishing.getByLabel("Percent of the accounts").fill("50, 100");
  await expect(publishing.getByText("To 50%: about 2 at once")).toBeVisible();
  await publishing.getByRole("button", { name: "Publish", exact: true }).click();

  const move = page.getByRole("region", { name: "Move to version 2" });
  // Which accounts are the first half depends on their ids.
  await expect(move.getByText(/^[0-4] of 4 accounts moved, \d+%$/)).toBeVisible();
  await expect(move.getByRole("listitem").filter({ hasText: "50%, taken" })).toBeVisible();
  await looksRight(page);
  const dialog = page.getByRole("dialog");
  await move.getByRole("button", { name: "Pause" }).press("Enter");
  await expect(dialog.getByText("nobody else moves until it is resumed")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(move.getByText("Paused")).toBeVisible();
  await move.getByRole("button", { name: "Resume" }).click();
  await dialog.getByRole("button", { name: "Resume the move" }).click();
  await expect(move.getByText("Running")).toBeVisible();
  await move.getByRole("button", { name: "Turn back" }).click();
  await expect(dialog.getByText(/that moved (go|goes) back|No account has moved/)).toBeVisible();
  await dialog.getByRole("button", { name: "Turn back the move" }).click();
  await expect(move).toHaveCount(0);
  await page.getByRole("link", { name: "Versions", exact: true }).click();
  await expect(page.getByText("all are back on the version that they came from")).toBeVisible();
  await expect(page.getByRole("row", { name: /^1 The first one\. 4 / })).toBeVisible();
});

test("a tier that is kept in files says so, and is copied to a new one that isn’t", async ({
  page,
}) => {
  const name = fresh("Copy");
  await ask(page, "mutation($i: SetManagerInput!) { setManager(input: $i) { id } }", {
    i: { id: someone.tierId, manager: "platform" },
  });
  await page.goto(`/tiers/${someone.tierId}`);
  await expect(page.getByRole("alert")).toContainText("This tier is kept in files by “platform”.");
  await page.getByRole("button", { name: "Copy to a new tier" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
  await expect(page.getByRole("button", { name: /^per-minute / })).toContainText("1,000 requests");
  await expect(page.getByText("is kept in files")).toHaveCount(0);
});

test("an account says which version it is on, and moves at its period's end or now", async ({
  page,
}) => {
  await ask(page, "mutation($i: PublishTierInput!) { publishTier(input: $i) { snapshot } }", {
    i: { tierId: someone.tierId, limits: [perMinute(500)], move: { when: "NONE" } },
  });
  await page.goto(`/accounts/${someone.accountId}`);
  await expect(page.getByText("Current is v2")).toBeVisible();
  const limits = page.getByRole("region", { name: "Limits" });
  await expect(limits.getByText(/^1,000\/min/)).toBeVisible();
  await page.getByRole("button", { name: "Change tier" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New tier").selectOption({ label: "Enterprise" });
  await dialog.getByRole("radio", { name: /^At its period’s end/ }).check();
  await expect(dialog.getByRole("row", { name: /^per-minute Changed Allows/ })).toContainText(
    "10,000/min",
  );
  await looksRight(page);
  await dialog
    .getByRole("button", { name: /^Move to Enterprise v\d+ then|^Move to Enterprise then/ })
    .click();
  await expect(page.getByText(/^Moves to Enterprise on .+ 00:00 \(UTC\)\.$/)).toBeVisible();
  await page.getByRole("button", { name: "Take back" }).click();
  await dialog.getByRole("button", { name: "Take it back" }).click();
  await expect(page.getByText(/^Moves to Enterprise/)).toHaveCount(0);

  await page.getByRole("button", { name: "Change tier" }).click();
  await dialog.getByLabel("New tier").selectOption(someone.tierId);
  await expect(dialog.getByText("Limits that stay keep their counters")).toBeVisible();
  await dialog.getByRole("button", { name: /^Move to .+ v2$/ }).click();
  await expect(page.getByText("Current is v2")).toHaveCount(0);
  await expect(limits.getByText(/^500\/min/)).toBeVisible();
});
