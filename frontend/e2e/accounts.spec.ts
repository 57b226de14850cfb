import { expect, test } from "@playwright/test";
import { settled, violations } from "./axe";
import { ask, customer, fresh, perMinute, statusOf } from "./gateway";

test("accounts are found by label and status, and all that match are changed at once", async ({
  page,
  request,
}) => {
  const made = [await customer(page, [perMinute(100)]), await customer(page, [perMinute(100)])];
  const team = fresh("team").replace(" ", "-");
  for (const { accountId } of made)
    await ask(page, "mutation($i: UpdateAccountInput!) { updateAccount(input: $i) { snapshot } }", {
      i: { id: accountId, labels: [{ key: "team", value: team }] },
    });
  await page.goto("/accounts");
  await settled(page);
  const table = page.getByRole("group", { name: "All accounts" });
  await page.getByRole("searchbox", { name: "Label", exact: true }).fill(`team=${team}`);
  await expect(table.getByRole("row")).toHaveCount(3);
  await page.getByRole("combobox", { name: "Status" }).selectOption("Suspended");
  await expect(page.getByText("No account matches")).toBeVisible();
  await page.getByRole("combobox", { name: "Status" }).selectOption("All statuses");
  await expect(table.getByRole("row")).toHaveCount(3);

  await page.getByRole("button", { name: "Change all 2 that match" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Change 2 accounts" });
  await expect(dialog.getByRole("button", { name: "See what will happen" })).toBeDisabled();
  await dialog.getByLabel("Status").selectOption("Suspended");
  await dialog.getByRole("button", { name: "See what will happen" }).click();
  const plan = dialog.getByRole("region", { name: "What will happen" });
  await expect(plan).toContainText("2 accounts will change, 0 are so already");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Change 2 accounts" }).click();
  await expect(page.getByText("2 accounts changed")).toBeVisible();
  await expect(table.getByText("Suspended")).toHaveCount(2);
  await expect.poll(() => statusOf(request, made[0]?.key ?? "")).toBe(403);

  // Only what is selected, and it is so already.
  await table.getByRole("checkbox", { name: `Select ${made[0]?.name}` }).press("Space");
  await page.getByRole("button", { name: "Change selected" }).press("Enter");
  await page.getByRole("dialog").getByLabel("Status").selectOption("Suspended");
  await page.getByRole("button", { name: "See what will happen" }).click();
  await expect(page.getByRole("dialog")).toContainText("0 accounts will change, 1 are so already");
  await expect(page.getByRole("button", { name: "Change 0 accounts" })).toBeDisabled();
});

test("a trial says its end and what comes then, and that comes", async ({ page, request }) => {
  const { accountId, key, name } = await customer(page, [perMinute(10_000)]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "Change status" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "New status" }).selectOption("Trial");
  await dialog.getByLabel("Trial ends").fill("2001-01-01T00:00");
  await dialog.getByRole("button", { name: "Change status" }).click();
  await expect(dialog.getByLabel("Trial ends")).toHaveAccessibleDescription(/./);
  await dialog.getByLabel("Trial ends").fill("2099-01-31T12:00");
  await dialog.getByLabel("Then").selectOption("Activate it");
  await dialog.getByLabel("On tier").selectOption("Enterprise");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Change status" }).click();
  await expect(
    page.getByText(/trial until 2099-01-31 12:00:00, then active on Enterprise/),
  ).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Trial");

  await ask(page, "mutation($i: UpdateAccountInput!) { updateAccount(input: $i) { snapshot } }", {
    i: {
      id: accountId,
      // biome-ignore lint/suspicious/noThenProperty: that is what the API calls it
      trial: { endsAt: new Date(Date.now() + 2_000).toISOString(), then: "SUSPEND" },
    },
  });
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Suspended");
  await expect.poll(() => statusOf(request, key)).toBe(403);
  await page.goto(`/accounts?search=${encodeURIComponent(name)}&status=SUSPENDED`);
  await expect(page.getByRole("link", { name })).toBeVisible();
});

test("a change is scheduled, shown where it will be, and cancelled", async ({ page }) => {
  const { accountId, name } = await customer(page, [perMinute(100)]);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "Override per-minute", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Amount").fill("700");
  await dialog.getByLabel("At a time").fill("2001-01-01T00:00");
  await dialog.getByRole("button", { name: "Schedule" }).click();
  await expect(dialog.getByLabel("At a time")).toHaveAccessibleDescription(/future/);
  await dialog.getByLabel("At a time").fill("2099-06-01T08:00");
  await dialog.getByRole("button", { name: "Schedule" }).click();
  await expect(page.getByText(`${name} is going to have`)).toBeVisible();
  await page.getByRole("button", { name: "Reset counters" }).click();
  await dialog.getByLabel("At a time").fill("2099-06-01T09:00");
  await dialog.getByLabel(/to confirm/).fill(name);
  await dialog.getByRole("button", { name: "Schedule" }).click();
  const scheduled = page.getByRole("region", { name: "Scheduled changes" });
  await expect(scheduled.getByRole("row", { name: /Set override/ })).toContainText("amount: 700");
  await expect(scheduled.getByRole("row", { name: /Reset account/ })).toContainText("Pending");

  await page.goto("/scheduled?status=PENDING");
  const row = page.getByRole("row", { name: new RegExp(`Set override.*${name}`) });
  await row
    .getByRole("button", { name: "Cancel Set override at 2099-06-01 08:00:00" })
    .press("Enter");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Cancel the change" }).press("Enter");
  await expect(page.getByText("The change is not going to be made")).toBeVisible();
  await expect(row).toHaveCount(0);
  await page.getByRole("combobox", { name: "Status" }).selectOption("Cancelled");
  await expect(row).toContainText("Cancelled");
});
