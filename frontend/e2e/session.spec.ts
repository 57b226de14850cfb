import { expect, type Page, test } from "@playwright/test";
import { customer, perMinute } from "./gateway";

/** Ends the session as its expiry does: the next question is answered with 401. */
const endSession = (page: Page) => page.context().clearCookies();

test("a secret that is shown once stays when the session ends, until it was kept", async ({
  page,
}) => {
  const { accountId } = await customer(page, [perMinute(10)]);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "New key" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("staging");
  await page.getByRole("button", { name: "Create key" }).click();
  const secret = page.getByRole("dialog", { name: "The new key" });
  await expect(secret.locator("code")).toContainText("wk_live_");
  await endSession(page);
  await expect(page.getByText("These figures are no longer fresh.").first()).toBeVisible();
  await expect(secret.locator("code")).toContainText("wk_live_");
  await secret.getByRole("button", { name: "I have kept it" }).press("Enter");
  await expect(page.getByText("Your session was ended; sign in again")).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`next=%2Faccounts%2F${accountId}`));
});

test("where a session has ended, the focus goes on from the sign-in page's beginning", async ({
  page,
}) => {
  await page.goto("/accounts");
  await page.getByRole("link", { name: "Tiers" }).focus();
  await endSession(page);
  await expect(page.getByText("Your session was ended; sign in again")).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("E-mail").or(page.getByRole("link")).first()).toBeFocused();
});

test("an address to go back to that is none leads to the overview", async ({ page }) => {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  await endSession(page);
  await page.goto("/sign-in?next=http://[");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(page.getByLabel("Password")).toBeVisible();
  expect(complaints).toEqual([]);
});

test("a tier's page is called so while it loads", async ({ page }) => {
  const { tierId } = await customer(page, [perMinute(10)]);
  await page.goto("/endpoints");
  await expect(page).toHaveTitle("Endpoints · Weir");
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route("**/graphql", async (route) => {
    await asked;
    await route.fallback();
  });
  for (const path of [`/tiers/${tierId}`, `/tiers/${tierId}/versions`]) {
    await page.evaluate((to) => history.pushState(null, "", to), path);
    await expect(page.getByRole("status", { name: /^Loading the (tier|versions)/ })).toBeVisible();
    await expect(page).toHaveTitle("Tiers · Weir");
  }
  answer();
});
