import { type Browser, expect, type Page, test } from "@playwright/test";
import { settled, themes, violations } from "./axe";
import { fresh } from "./gateway";

const password = "a password of some length";

/** A page of somebody who isn't signed in. */
async function stranger(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  return context.newPage();
}

/** Invites a member and returns their link. */
async function invite(page: Page, email: string, role: string): Promise<string> {
  await page.goto("/settings/members");
  await settled(page);
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Role").selectOption({ label: role });
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Tab");
  await dialog.getByRole("button", { name: "Make invitation" }).press("Enter");
  const link = await page.getByRole("dialog", { name: `A link for ${email}` }).locator("code");
  await expect(link).toContainText("/join#token=");
  const url = (await link.textContent()) ?? "";
  await page.getByRole("button", { name: "I have copied it" }).click();
  return new URL(url).pathname + new URL(url).hash;
}

async function join(page: Page, link: string) {
  await page.goto(link);
  await page.getByLabel("Your name").fill("Ada Lovelace");
  expect(await violations(page)).toEqual([]);
  await page.getByLabel("Password").fill("short");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("at least 12 characters");
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
}

test("a viewer joins with a link, signs in with a password, and sees what a viewer may", async ({
  page,
  browser,
}) => {
  const email = `${fresh("ada").replace(" ", "-")}@example.com`;
  const link = await invite(page, email, "Viewer");
  const viewer = await stranger(browser);
  await join(viewer, link);
  const nav = viewer.getByRole("navigation", { name: "Main" });
  await expect(nav.getByRole("link", { name: "Tiers" })).toBeVisible();

  await expect(nav.getByRole("link", { name: "Audit" })).toHaveCount(0);
  await viewer.goto("/tiers");
  await settled(viewer);
  await expect(viewer.getByRole("button", { name: "New tier" })).toHaveCount(0);

  await viewer.goto("/settings/members");
  await expect(viewer.getByRole("alert")).toContainText("MEMBERS_READ");
  expect(await violations(viewer)).toEqual([]);

  await viewer.getByRole("button", { name: "Account and theme" }).click();
  await viewer.getByRole("menuitem", { name: "Profile" }).click();
  await settled(viewer);
  await expect(viewer.getByText("You are viewer.")).toBeVisible();
  await expect(viewer.getByText("This one")).toBeVisible();
  await viewer.getByRole("button", { name: "Turn on" }).click();
  await expect(viewer.getByRole("img", { name: "The secret as a QR code" })).toBeVisible();
  expect(await violations(viewer)).toEqual([]);
  await viewer.keyboard.press("Escape");

  await viewer.getByRole("button", { name: "Account and theme" }).click();
  await viewer.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(viewer.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(await violations(viewer)).toEqual([]);
  await viewer.getByLabel("E-mail").fill(email.toUpperCase());
  await viewer.getByLabel("Password").fill("not the password");
  await viewer.keyboard.press("Enter");
  await expect(viewer.getByRole("alert")).toContainText("No member has this");
  await viewer.getByLabel("Password").fill(password);
  await viewer.keyboard.press("Enter");
  await expect(viewer.getByRole("heading", { name: "Profile" })).toBeVisible();

  // Another role signs them out.
  await page.reload();
  await settled(page);
  await page.getByRole("button", { name: "Role Ada Lovelace" }).last().click();
  await page.getByRole("dialog").getByLabel("Role").selectOption({ label: "Operator" });
  await page.getByRole("button", { name: "Save role" }).click();
  await expect(page.getByText("Ada Lovelace is operator")).toBeVisible();
  await viewer.reload();
  await expect(viewer.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await viewer.context().close();
});

test("members, tokens and the profile look right at every width", async ({ page }) => {
  for (const path of ["/settings/members", "/settings/tokens", "/profile"]) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(path);
    await settled(page);
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      expect(await violations(page)).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await violations(page)).toEqual([]);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
  }
});

test("a token is shown once, has what it was given, and is revoked", async ({ page }) => {
  const name = fresh("Token");
  await page.goto("/settings/tokens");
  await settled(page);
  await page.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Policy: read").check();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Create token" }).click();
  const secret = await page.getByRole("dialog", { name: "The new token" }).locator("code");
  const text = (await secret.textContent()) ?? "";
  expect(text).toMatch(/^weir_api_/);
  await page.getByRole("button", { name: "I have copied it" }).click();
  const asked = async (query: string) => {
    const response = await page.request.post("/graphql", {
      data: { query },
      headers: { authorization: `Bearer ${text}`, cookie: "" },
      failOnStatusCode: false,
    });
    return `${response.status()} ${await response.text()}`;
  };
  expect(await asked("{ tiers { nodes { id } } }")).not.toContain("errors");
  expect(await asked("{ accounts { totalCount } }")).toContain("ACCOUNTS_READ");
  await page.getByRole("button", { name: `Revoke ${name}` }).click();
  await page.getByRole("dialog").getByLabel(/Type/).fill(name);
  await page.keyboard.press("Enter");
  await expect(page.getByText(`${name} is revoked`)).toBeVisible();
  await expect(page.getByRole("button", { name: `Revoke ${name}` })).toHaveCount(0);
  expect(await asked("{ tiers { nodes { id } } }")).toContain("401");
});
