import { createHmac } from "node:crypto";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { settled, themes, violations } from "./axe";
import { act, customer, fresh, perMinute } from "./gateway";

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
  await page.getByRole("button", { name: "I have kept it" }).click();
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
  await viewer.getByRole("link", { name: "Professional", exact: true }).click();
  await expect(viewer.getByText(/^The account: at most/).first()).toBeVisible();
  await expect(viewer.getByRole("main").getByRole("button")).toHaveText(["Play"]);
  await viewer.getByRole("link", { name: "Versions", exact: true }).click();
  await expect(viewer.getByRole("group", { name: "Versions" })).toBeVisible();
  await expect(viewer.getByRole("button", { name: /^Publish|^Copy/ })).toHaveCount(0);

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

  // They have no say in their address; who manages members has.
  await expect(viewer.getByText(`You sign in with ${email}`)).toBeVisible();
  await expect(viewer.getByLabel("E-mail")).toHaveCount(0);
  await page.reload();
  await settled(page);
  await act(page.getByRole("row", { name: email }), "Ada Lovelace", "E-mail");
  const moved = `moved-${email}`;
  await page.getByRole("dialog").getByLabel("E-mail").fill(moved);
  await page.getByRole("button", { name: "Save e-mail" }).click();
  await expect(page.getByText(`Ada Lovelace signs in with ${moved}`)).toBeVisible();

  // Another role signs them out.
  await page.reload();
  await settled(page);
  await act(page.getByRole("row", { name: moved }), "Ada Lovelace", "Role");
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
  await page.getByRole("button", { name: "I have kept it" }).click();
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

/** The code that an authenticator app shows for a secret now (RFC 6238). */
function codeOf(secret: string): string {
  const bits = [...secret.replace(/\s/g, "")]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const at = (mac[19] ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("a member turns the second step on, signs in with a recovery code, and ends other sessions", async ({
  page,
  browser,
}) => {
  const email = `${fresh("grace").replace(" ", "-")}@example.com`;
  const first = await stranger(browser);
  await join(first, await invite(page, email, "Viewer"));
  await first.goto("/profile");
  await first.getByRole("button", { name: "Turn on" }).click();
  const dialog = first.getByRole("dialog", { name: "Turn the second step on" });
  const secret = (await dialog.locator("code").textContent()) ?? "";
  const code = dialog.getByRole("textbox", { name: "Code" });
  await code.fill("000000");
  await first.keyboard.press("Enter");
  await expect(code).toHaveAttribute("aria-invalid", "true");
  await code.fill(codeOf(secret));
  await first.keyboard.press("Enter");
  const codes = first.getByRole("dialog", { name: "Recovery codes" });
  await expect(codes).toBeVisible();
  expect(await violations(first)).toEqual([]);
  const recovery = await codes.getByRole("listitem").allTextContents();
  await codes.getByRole("button", { name: "I have kept them" }).press("Enter");
  await expect(first.getByRole("button", { name: "New recovery codes" })).toBeVisible();

  const second = await stranger(browser);
  await second.goto("/sign-in");
  await second.getByLabel("E-mail").fill(email);
  await second.getByLabel("Password").fill(password);
  await second.keyboard.press("Enter");
  await second.getByLabel("Code").fill(recovery[0] ?? "");
  await second.keyboard.press("Enter");
  await expect(second.getByRole("heading", { name: "Overview" })).toBeVisible();
  await second.goto("/profile");
  await expect(second.getByRole("region", { name: "Sessions" }).getByRole("row")).toHaveCount(3);
  await second.getByRole("button", { name: "End all others" }).press("Enter");
  await expect(second.getByText("Your other sessions have ended")).toBeVisible();
  await expect(first.getByText("Your session was ended; sign in again")).toBeVisible();

  // Whoever lost the app asks an owner, who finds them by their address.
  await page.goto("/settings/members");
  await page.getByRole("searchbox", { name: "Name or e-mail" }).fill(email);
  const rows = page.getByRole("group", { name: "Members" }).getByRole("row");
  await expect(rows).toHaveCount(2);
  const row = rows.nth(1);
  await act(row, "Ada Lovelace", "Reset second step");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("dialog").getByRole("button", { name: "Reset second step" }).press("Enter");
  await expect(row).toContainText("Off");
  await act(row, "Ada Lovelace", "Sign out everywhere");
  await expect(page.getByText("Ada Lovelace is signed out everywhere")).toBeVisible();
  await second.reload();
  await expect(second.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.getByRole("combobox", { name: "Role" }).selectOption("Billing");
  await expect(page.getByText("No such members")).toBeVisible();
  await first.context().close();
  await second.context().close();
});

test("a token for one account only is made with that account chosen by its name", async ({
  page,
}) => {
  const { accountId, name } = await customer(page, [perMinute(1)]);
  await page.goto("/settings/tokens");
  await page.getByRole("button", { name: "New token" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "New API token" });
  const token = fresh("Bound");
  await dialog.getByLabel("Name").fill(token);
  await dialog.getByLabel("Accounts: read").check();
  const account = dialog.getByRole("combobox", { name: "Only this account" });
  await account.pressSequentially(name);
  await expect(dialog.getByRole("option")).toHaveCount(1);
  await account.press("Enter");
  await dialog.getByLabel("Expires").fill("2099-01-01T00:00");
  await dialog.getByRole("button", { name: "Create token" }).click();
  const secret = page.getByRole("dialog", { name: "The new token" }).locator("code");
  const answer = await page.request.post("/graphql", {
    data: { query: "{ accounts(first: 5) { nodes { id } } }" },
    headers: { authorization: `Bearer ${await secret.textContent()}`, cookie: "" },
  });
  expect((await answer.json()).data.accounts.nodes).toEqual([{ id: accountId }]);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await expect(page.getByRole("row", { name: token })).toContainText(`${name} only`);
});
