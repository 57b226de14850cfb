import { expect, test } from "@playwright/test";
import { sessionFile } from "../playwright.config";

const link = process.env.WEIR_SIGN_IN_LINK ?? "";

test("without a session, every page leads to the sign-in page, and says how to get a link", async ({
  page,
}) => {
  await page.goto("/tiers");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(page.getByText("weir sign-in-link")).toBeVisible();
});

test("a link signs in once, and is refused the second time", async ({ page, browser }) => {
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  expect(page.url()).not.toContain("token");
  await page.context().storageState({ path: sessionFile });

  const stranger = await browser.newContext();
  const second = await stranger.newPage();
  await second.goto(link);
  await expect(second.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(second.getByRole("alert")).toContainText(/used|expired/i);
  await stranger.close();
});
