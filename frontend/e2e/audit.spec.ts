import { expect, test } from "@playwright/test";
import { settled, themes, violations } from "./axe";
import { ask, customer, perMinute } from "./gateway";

test("a change is found in the log with what it was before and after, and the log is whole", async ({
  page,
}) => {
  const { accountId, name } = await customer(page, [perMinute(3)]);
  await ask(page, "mutation($id: ID!) { resetAccount(id: $id) { snapshot } }", { id: accountId });

  await page.goto("/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit" }).click();
  await settled(page);
  await page.getByRole("searchbox", { name: "Name of who or what" }).fill(name);
  await page.keyboard.press("Enter");
  await page.getByRole("combobox", { name: "Action" }).selectOption("RESET_ACCOUNT");
  await expect(page).toHaveURL(/action=RESET_ACCOUNT/);
  const changes = page.getByRole("region", { name: "Changes" });
  await expect(changes.getByRole("row")).toHaveCount(2);
  await expect(changes.getByRole("link", { name })).toHaveAttribute(
    "href",
    new RegExp(`^/accounts/${accountId}`),
  );
  await expect(page.getByRole("link", { name: "Export CSV" })).toHaveAttribute(
    "href",
    /^\/api\/v1\/audit\.csv\?.*action=RESET_ACCOUNT/,
  );
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme });
    expect(await violations(page)).toEqual([]);
  }

  await changes.getByRole("button", { name: /^Reset account/ }).press("Enter");
  await expect(page).toHaveURL(/record=\d+/);
  const record = page.getByRole("dialog", { name: "Reset account" });
  const changed = record.getByRole("row", { name: /resets/ });
  await expect(changed.getByRole("cell")).toHaveText(["resets", "0", "1"]);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await expect(record).toHaveCount(0);

  await page.getByRole("button", { name: "Verify" }).click();
  const verdict = page.getByRole("dialog", { name: "Verification" });
  await expect(verdict.getByText(/the chain is whole/)).toBeVisible();
  await expect(verdict.getByText(/^\d+:[0-9a-f]{64}$/)).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test("a search that finds nothing says so, and is taken back", async ({ page }) => {
  await page.goto("/audit?text=nobody-of-that-name");
  await expect(page.getByText("No such changes")).toBeVisible();
  await page.getByRole("button", { name: "Show all changes" }).click();
  await expect(page).not.toHaveURL(/text=/);
  await expect(page.getByRole("region", { name: "Changes" }).getByRole("row").nth(1)).toBeVisible();
});

test("a change is reverted, although what it changed was changed since, if one insists", async ({
  page,
}) => {
  const { accountId, name } = await customer(page, [perMinute(3)]);
  const rename = (to: string) =>
    ask(page, "mutation($i: UpdateAccountInput!) { updateAccount(input: $i) { snapshot } }", {
      i: { id: accountId, name: to },
    });
  await rename(`${name} renamed`);
  await page.goto(`/audit?account=${accountId}&action=UPDATE_ACCOUNT`);
  await page.getByRole("button", { name: /^Update account/ }).press("Enter");
  const record = page.getByRole("dialog", { name: "Update account" });
  await record.getByRole("button", { name: "Revert this change" }).press("Enter");
  await rename(`${name} once more`);
  await record.getByRole("button", { name: "Revert", exact: true }).press("Enter");
  await expect(record.getByRole("alert")).toContainText("changed");
  expect(await violations(page)).toEqual([]);
  await record.getByLabel("Revert it all the same").check();
  await record.getByRole("button", { name: "Revert", exact: true }).press("Enter");
  await expect(page.getByText(/^Reverted; it is record/)).toBeVisible();
  await page.goto(`/accounts/${accountId}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText(name);
  await expect(page.getByRole("heading", { level: 1 })).not.toContainText("more");
});
