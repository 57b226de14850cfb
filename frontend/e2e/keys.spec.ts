import { expect, test } from "@playwright/test";
import { violations } from "./axe";
import { act, customer, perMinute, send, statusOf } from "./gateway";

test("a key for reading is rotated: both work for the overlap, for reads only", async ({
  page,
  request,
}) => {
  const { accountId } = await customer(page, [perMinute(10_000)]);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "New key" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("reader");
  await dialog.getByLabel("Sandbox").check();
  await dialog.getByLabel("Reads only").check();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Create key" }).click();
  const shown = page.getByRole("dialog", { name: "The new key" });
  const first = (await shown.locator("code").textContent()) ?? "";
  expect(first).toMatch(/^wk_test_[0-9A-Za-z]{30}_[0-9A-Za-z]{6}$/);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await expect.poll(() => statusOf(request, first)).toBe(200);

  const keys = page.getByRole("region", { name: "Keys" });
  const reader = keys.getByRole("row", { name: /reader/ });
  await expect(reader).toContainText("Sandbox");
  await expect(reader).toContainText("reads only");
  await act(reader, "reader", "Rotate");
  await dialog.getByLabel("The old key goes on for").selectOption("1 hour");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Rotate key" }).click();
  const second = (await shown.locator("code").textContent()) ?? "";
  await page.getByRole("button", { name: "I have kept it" }).click();
  await expect.poll(() => statusOf(request, second)).toBe(200);
  expect(await statusOf(request, first)).toBe(200);
  await expect(reader).toHaveCount(2);
  await expect(reader.filter({ hasText: "expires" })).toHaveCount(1);

  const refused = await request.post(`${process.env.WEIR_GATEWAY_URL}/hello`, {
    headers: { "x-api-key": second },
  });
  expect(refused.status()).toBe(403);
  expect((await refused.json()).title).toBe("Out of the key's scope");
  const mistyped = await send(request, "/hello", `${second.slice(0, -1)}!`);
  expect((await mistyped.json()).detail).toContain("mistyped");
});

test("a key is for the endpoints and groups that are chosen, by keyboard, until they are removed", async ({
  page,
  request,
}) => {
  const { accountId, key } = await customer(page, [perMinute(10_000)]);
  await expect.poll(() => statusOf(request, key, "/v1/users/7")).toBe(200);
  await page.goto(`/accounts/${accountId}`);
  const row = page.getByRole("region", { name: "Keys" }).getByRole("row", { name: /production/ });
  await act(row, "production", "Scope");
  const dialog = page.getByRole("dialog", { name: "Scope of production" });
  const endpoints = dialog.getByRole("combobox", { name: "Only endpoints" });
  await endpoints.pressSequentially("v1/search");
  await expect(dialog.getByRole("option")).toHaveText(["GET /v1/search"]);
  await endpoints.press("Enter");
  await endpoints.press("Escape");
  await expect(dialog.getByRole("option")).toHaveCount(0);
  const groups = dialog.getByRole("combobox", { name: "Only groups" });
  await groups.pressSequentially("order-writes");
  await expect(dialog.getByRole("option")).toHaveText(["order-writes"]);
  await groups.press("Enter");
  expect(await violations(page)).toEqual([]);
  await groups.press("Escape");
  await dialog.getByRole("button", { name: "Save scope" }).press("Enter");
  await expect(row).toContainText("2 endpoints and groups");
  await expect(row.getByRole("button", { name: "Actions for production" })).toBeFocused();
  await expect.poll(() => statusOf(request, key, "/v1/users/7")).toBe(403);
  expect(await statusOf(request, key, "/v1/search")).toBe(200);

  await act(row, "production", "Scope");
  await dialog.getByRole("button", { name: "Remove GET /v1/search" }).press("Enter");
  await dialog.getByRole("button", { name: "Remove order-writes" }).press("Enter");
  await dialog.getByRole("button", { name: "Save scope" }).click();
  await expect.poll(() => statusOf(request, key, "/v1/users/7")).toBe(200);
});

test("keys that leaked are found in a text, and revoked", async ({ page, request }) => {
  const { key, name } = await customer(page, [perMinute(10_000)]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  await page.goto("/accounts");
  await page.getByRole("button", { name: "Leaked keys" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Report leaked keys" });
  const text = dialog.getByLabel("Text with secrets");
  await text.fill("nothing of note\n");
  await dialog.getByRole("button", { name: "Find keys" }).press("Enter");
  await expect(text).toHaveAccessibleDescription(/nothing in it that could be a key/);
  await text.fill(`curl -H "x-api-key: ${key}" example.com\nno-such-key`);
  await dialog.getByRole("button", { name: "Find keys" }).press("Enter");
  await expect(dialog.getByRole("status")).toHaveText("1 key found, 1 not revoked yet.");
  await expect(dialog.getByRole("row", { name: /production/ })).toContainText(name);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Revoke 1 key for good" }).press("Enter");
  await expect(dialog.getByRole("row", { name: /production/ })).toContainText("Revoked now");
  await expect.poll(() => statusOf(request, key)).toBe(401);
});
