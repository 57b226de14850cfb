import { expect, test } from "@playwright/test";
import { violations } from "./axe";
import { customer, perMinute, send, statusOf } from "./gateway";

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
  await page.getByRole("button", { name: "I have copied it" }).click();
  await expect.poll(() => statusOf(request, first)).toBe(200);

  const keys = page.getByRole("region", { name: "Keys" });
  const reader = keys.getByRole("row", { name: /reader/ });
  await expect(reader).toContainText("Sandbox");
  await expect(reader).toContainText("reads only");
  await reader.getByRole("button", { name: "Rotate reader" }).click();
  await dialog.getByLabel("The old key goes on for").selectOption("1 hour");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Rotate key" }).click();
  const second = (await shown.locator("code").textContent()) ?? "";
  await page.getByRole("button", { name: "I have copied it" }).click();
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
