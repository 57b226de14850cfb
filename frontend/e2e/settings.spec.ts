import { expect, type Page, test } from "@playwright/test";
import { settled, themes, violations } from "./axe";
import { ask, customer, fresh, perMinute } from "./gateway";

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

const setRetention = (page: Page, input: object) =>
  ask(
    page,
    "mutation($i: RetentionInput!) { setRetention(input: $i) { retention { revision } } }",
    {
      i: input,
    },
  );

test.afterEach(async ({ page }) => {
  await setRetention(page, { minutes: 30, hours: 365, days: 0, months: 0 });
});

test("a retention says what it drops and when, and drops it only when that is typed", async ({
  page,
}) => {
  const { accountId } = await customer(page, [perMinute(1)]);
  await ask(page, "mutation($i: AdjustUsageInput!) { adjustUsage(input: $i) { known } }", {
    i: { clientId: accountId, accountId, at: daysAgo(20), requests: 3, reason: "test" },
  });
  await page.goto("/settings");
  await settled(page);
  const panel = page.getByRole("region", { name: "Retention" });
  const minutes = panel.getByLabel("By the minute");
  const save = panel.getByRole("button", { name: "Save retention" });
  await expect(save).toBeDisabled();

  await minutes.fill("400");
  await expect(panel.getByLabel("By the hour")).toHaveAccessibleDescription(/at least as long/);
  await expect(save).toBeDisabled();

  await minutes.fill("15");
  const does = panel.getByRole("list", { name: "What saving does" });
  await expect(does).toContainText(`drops the usage of ${daysAgo(20).slice(0, 10)}`);
  await expect(does).toContainText("within a minute, for good");
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme });
    expect(await violations(page)).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await violations(page)).toEqual([]);

  await save.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Drop usage for good?" });
  await expect(dialog.getByRole("button", { name: "Save and drop" })).toBeDisabled();
  expect(await violations(page)).toEqual([]);
  await dialog.getByLabel(/Type/).fill("drop usage");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The retention is saved")).toBeVisible();
  await page.reload();
  await expect(minutes).toHaveValue("15");
});

test("a longer retention is saved without a question, unless somebody else changed it", async ({
  page,
}) => {
  await page.goto("/settings");
  await settled(page);
  const panel = page.getByRole("region", { name: "Retention" });
  const hours = panel.getByLabel("By the hour");
  await hours.fill("");
  await expect(panel.getByText("By the hour: drops nothing now")).toBeVisible();
  await setRetention(page, { hours: 500 });
  await panel.getByRole("button", { name: "Save retention" }).click();
  await expect(panel.getByRole("alert")).toContainText("somebody else", { ignoreCase: true });
  await panel.getByRole("button", { name: "Load what it is now" }).click();
  await expect(hours).toHaveValue("500");
  await expect(panel.getByLabel("By the minute")).toBeFocused();
  await hours.fill("");
  await panel.getByRole("button", { name: "Save retention" }).click();
  await expect(page.getByText("The retention is saved")).toBeVisible();
  await page.reload();
  await expect(hours).toHaveValue("");
});

test("new accounts on the default tier have an introductory allowance, until it is taken back", async ({
  page,
}) => {
  await page.goto("/settings");
  await settled(page);
  const panel = page.getByRole("region", { name: "Default tiers" });
  const percent = panel.getByLabel("Introductory allowance");
  const days = panel.getByLabel("For how many days");
  const save = panel.getByRole("button", { name: "Save defaults" });
  await percent.fill("50");
  await days.fill("14");
  await save.press("Enter");
  await expect(percent).toHaveAttribute("aria-invalid", "true");
  await percent.fill("200");
  await save.press("Enter");
  await expect(save).toBeDisabled();
  const { createAccount } = await ask<{ createAccount: { account: { id: string } } }>(
    page,
    "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } } }",
    { i: { name: fresh("Newcomer") } },
  );
  await page.reload();
  await settled(page);
  await expect(percent).toHaveValue("200");
  await percent.fill("");
  await days.fill("");
  await save.press("Enter");
  await expect(save).toBeDisabled();

  await page.goto(`/accounts/${createAccount.account.id}`);
  const row = page.getByRole("region", { name: "Overrides" }).getByRole("row").nth(1);
  await expect(row).toContainText("Introductory");
  await expect(row).toContainText("200/min");
});
