import { expect, test } from "@playwright/test";
import { look, looks, tooWide } from "./axe";
import { act, ask, customer, fresh, perMinute, send, sendUntilDenied, statusOf } from "./gateway";

test("an account is created, gets a key, and is limited by its tier", async ({ page, request }) => {
  const name = fresh("Account");
  await page.goto("/accounts");
  await page.getByRole("button", { name: "New account" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New account" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Tier").selectOption({ label: "Basic" });
  await dialog.getByLabel("Time zone").fill("Europe/Nowhere");
  await dialog.getByLabel("Billing day").fill("15");
  await dialog.getByRole("button", { name: "Create account" }).click();
  await expect(dialog.getByLabel("Time zone")).toHaveAccessibleDescription(/zone|Berlin|unknown/i);
  await dialog.getByLabel("Time zone").fill("Europe/Berlin");
  await dialog.getByRole("button", { name: "Create account" }).click();

  await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
  await expect(page.getByText("periods in Europe/Berlin, billed from day 15")).toBeVisible();
  await page.getByRole("button", { name: "New key" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("production");
  await page.getByRole("dialog").getByRole("button", { name: "Create key" }).click();
  const secret =
    (await page.getByRole("dialog", { name: "The new key" }).locator("code").textContent()) ?? "";
  await page.getByRole("button", { name: "I have kept it" }).click();

  await expect.poll(() => statusOf(request, secret), { message: "the key works" }).toBe(200);
  const answer = await send(request, "/hello", secret);
  expect(answer.headers()["ratelimit-policy"]).toContain("q=100");
});

test("a key is suspended, resumed, expired and revoked, and Envoy follows", async ({
  page,
  request,
}) => {
  const { accountId, key } = await customer(page, [perMinute(10_000)]);
  const becomes = (status: number) =>
    expect.poll(() => statusOf(request, key), { message: `answers ${status}` }).toBe(status);
  await becomes(200);
  await page.goto(`/accounts/${accountId}`);
  const row = page.getByRole("region", { name: "Keys" }).getByRole("row", { name: /production/ });

  await act(row, "production", "Suspend");
  await page.getByRole("dialog").getByRole("button", { name: "Suspend key" }).click();
  await expect(row).toContainText("Suspended");
  await becomes(403);
  await act(row, "production", "Resume");
  await page.getByRole("dialog").getByRole("button", { name: "Resume key" }).click();
  await expect(row).toContainText("Live");
  await becomes(200);

  await act(row, "production", "Expiry");
  await page.getByRole("dialog").getByLabel("Expires").fill("2001-01-01T00:00");
  await page.getByRole("dialog").getByRole("button", { name: "Save expiry" }).click();
  await expect(row).toContainText("Expired");
  await becomes(401);
  await act(row, "production", "Expiry");
  await page.getByRole("dialog").getByLabel("Expires").fill("");
  await page.getByRole("dialog").getByRole("button", { name: "Save expiry" }).click();
  await becomes(200);

  await act(row, "production", "Revoke");
  const revoke = page.getByRole("dialog").getByRole("button", { name: "Revoke for good" });
  await expect(revoke).toBeDisabled();
  await page
    .getByRole("dialog")
    .getByLabel(/to confirm/)
    .fill("production");
  await revoke.click();
  await expect(row).toContainText("Revoked");
  await becomes(401);
});

test("an override holds for one account, and goes again", async ({ page, request }) => {
  const { accountId, key } = await customer(page, [perMinute(500)]);
  const policy = async () =>
    (await send(request, "/hello", key)).headers()["ratelimit-policy"] ?? "";
  await expect.poll(policy).toContain("q=500");
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "Override per-minute", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Amount").fill("700");
  await dialog.getByLabel("Until").fill("2001-01-01T00:00");
  await dialog.getByRole("button", { name: "Set override" }).click();
  await expect(dialog.getByLabel("Until")).toHaveAccessibleDescription("Give a time to come.");
  await dialog.getByLabel("Until").fill("2099-12-24T12:00");
  await dialog.getByLabel("Note").fill("a launch");
  await expect(dialog).toContainText("700 requests instead of 500 requests");
  await dialog.getByRole("button", { name: "Set override" }).click();

  const overrides = page.getByRole("region", { name: "Overrides" });
  await expect(overrides.getByRole("row", { name: /700\/min/ })).toContainText("a launch");
  for (const as of looks) {
    await look(page, as);
    expect(await tooWide(page)).toEqual([]);
  }
  await expect.poll(policy).toContain("q=700");
  await overrides.getByRole("button", { name: "Delete the override of per-minute" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete override" }).click();
  await expect(overrides).toContainText("No overrides");
  await expect.poll(policy).toContain("q=500");
});

test("a reset gives a throttled account its limits back", async ({ page, request }) => {
  const { accountId, name, key } = await customer(page, [
    perMinute(3, { period: "DAY", name: "daily" }),
  ]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  await sendUntilDenied(request, key, 10);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "Reset counters" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Reset counters" })).toBeDisabled();
  await dialog.getByLabel(/to confirm/).fill(name);
  await dialog.getByRole("button", { name: "Reset counters" }).click();
  await expect(page.getByText(`The counters of ${name} begin anew`)).toBeVisible();
  await expect.poll(() => statusOf(request, key)).toBe(200);
});

test("a suspended account is refused, and works again when it is activated", async ({
  page,
  request,
}) => {
  const { accountId, key } = await customer(page, [perMinute(10_000)]);
  await page.goto(`/accounts/${accountId}`);
  const change = async (status: string) => {
    await page.getByRole("button", { name: "Change status" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "New status" }).selectOption(status);
    await dialog.getByRole("button", { name: "Change status" }).click();
  };
  await change("Suspended");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Suspended");
  await expect.poll(() => statusOf(request, key)).toBe(403);

  await page.getByRole("button", { name: "Change status" }).click();
  const status = page.getByRole("dialog", { name: /^Status of / });
  await expect(status.getByRole("combobox", { name: "New status" })).toBeVisible();
  await ask(page, "mutation($i: UpdateAccountInput!) { updateAccount(input: $i) { snapshot } }", {
    i: { id: accountId, billingDay: 9 },
  });
  await status.getByRole("button", { name: "Change status" }).click();
  const stale = page.getByRole("dialog", { name: /^Somebody else changed / });
  await expect(stale.getByRole("row", { name: /billingDay/ })).toBeVisible();
  await stale.getByRole("button", { name: "Take theirs" }).click();
  await expect(stale).toHaveCount(0);
  await expect(page.getByText(/billed from day 9/)).toBeVisible();
  await change("Active");
  await expect.poll(() => statusOf(request, key)).toBe(200);
});

test("a quota shows what is consumed, leased and left, in the account's own period", async ({
  page,
  request,
}) => {
  const { accountId, key } = await customer(page, [
    { name: "monthly", kind: "QUOTA", amount: 1_000, period: "MONTH" },
  ]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  await page.goto(`/accounts/${accountId}`);
  const limits = page.getByRole("region", { name: "Limits" });
  await expect(limits).toContainText(/[1-9]\d* consumed.* leased to Envoys/);
  await expect(limits).toContainText("(UTC)");
  await expect(limits.getByRole("meter", { name: "Limit monthly" })).toBeVisible();
});

test("an identity is added and removed", async ({ page }) => {
  const { accountId } = await customer(page, []);
  await page.goto(`/accounts/${accountId}`);
  const identities = page.getByRole("region", { name: "Identities" });
  await identities.getByRole("button", { name: "New identity" }).click();
  const subject = fresh("svc").replace(" ", "-");
  await page.getByRole("dialog").getByLabel("Name").fill(subject);
  await page.getByRole("dialog").getByRole("button", { name: "Add identity" }).click();
  await expect(identities.getByRole("row", { name: subject })).toContainText("JWT subject");
  await identities.getByRole("button", { name: `Remove ${subject}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove identity" }).click();
  await expect(identities).toContainText("No identities");
});
