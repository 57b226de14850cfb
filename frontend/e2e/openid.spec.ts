import { expect, test } from "@playwright/test";
import { violations } from "./axe";
import { ask } from "./gateway";

test("an invited member signs in with the provider, and out of both", async ({ page, browser }) => {
  const email = process.env.WEIR_OIDC_EMAIL ?? "";
  await page.goto("/");
  await ask(page, "mutation($i: InviteMemberInput!) { inviteMember(input: $i) { url } }", {
    i: { email, role: "VIEWER" },
  });
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const ada = await context.newPage();
  await ada.goto("/tiers?range=6h");
  await ada.getByRole("link", { name: "Sign in with Example Inc." }).focus();
  expect(await violations(ada)).toEqual([]);
  await ada.keyboard.press("Enter");
  await ada.getByLabel("Username").fill("ada");
  await ada.getByLabel("Password").fill(process.env.WEIR_OIDC_PASSWORD ?? "");
  await ada.getByRole("button", { name: "Login" }).click();
  await expect(ada.getByRole("heading", { name: "Tiers", exact: true })).toBeVisible();
  expect(new URL(ada.url()).search).toBe("?range=6h");

  await ada.getByRole("button", { name: "Account and theme" }).click();
  await expect(ada.getByText("ada@example.com")).toBeVisible();
  await ada.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(ada.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await context.close();
});
