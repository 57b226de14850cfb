import { expect, test } from "@playwright/test";
import { openCommandMenu } from "./axe";
import { customer, perMinute, sendUntilDenied, statusOf } from "./gateway";

test("why a request was limited is found from its id", async ({ page, request }) => {
  const { accountId, name, key } = await customer(page, [
    perMinute(2, { period: "DAY", name: "daily" }),
  ]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  const denied = await sendUntilDenied(request, key, 5);
  const requestId = (await denied.json())["request-id"];
  expect(requestId).toMatch(/^[\w-]{16,}$/);

  await page.goto("/");
  await openCommandMenu(page);
  await page.keyboard.insertText(requestId);
  await expect(page.getByRole("option", { name: /Why was this request limited/ })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/denials\\?.*request=${requestId}`));
  const answer = page.getByRole("region", { name: "Why it was limited" });
  await expect(answer.getByText(/daily/).first()).toBeVisible();
  await expect(answer.getByRole("link", { name })).toHaveAttribute(
    "href",
    new RegExp(`^/accounts/${accountId}`),
  );
  await expect(answer.getByText("Throttled (429)")).toBeVisible();
  await expect(answer.getByText(/would have passed after/)).toBeVisible();
  const applied = answer.getByRole("region", { name: "Limits that applied" });
  await expect(applied.getByRole("meter", { name: "Limit daily" })).toBeVisible();
  await expect(applied).toContainText("decided");
});

test("the newest denials can be narrowed to an account, and lead to their reasons", async ({
  page,
  request,
}) => {
  const { accountId, name, key } = await customer(page, [
    perMinute(1, { period: "DAY", name: "daily" }),
  ]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  await sendUntilDenied(request, key, 5);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("main").getByRole("link", { name: "Denials" }).click();
  await expect(page.getByRole("combobox", { name: "Account" })).toHaveValue(accountId);
  const newest = page.getByRole("region", { name: "Newest denials" });
  await expect(newest.getByRole("link", { name }).first()).toBeVisible();
  await newest.getByRole("button", { name: /^Why/ }).first().click();
  await expect(page.getByRole("region", { name: "Why it was limited" })).toContainText("decided");
});

test("an id that nothing is known of is answered in words", async ({ page }) => {
  await page.goto("/denials");
  await page.getByRole("searchbox", { name: "Request id" }).fill("00000000-no-such-request");
  await page.getByRole("button", { name: "Look up" }).click();
  await expect(page.getByText("Nothing is known of this request")).toBeVisible();
  await expect(page.getByText(/not sampled, or is older than 24 hours/)).toBeVisible();
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page.getByText("Nothing is known of this request")).toHaveCount(0);
});
