import { type Browser, expect, type Page, test } from "@playwright/test";
import { settled, violations } from "./axe";
import { ask, type Customer, customer, fresh, perMinute, tiers } from "./gateway";

const everyRole = ["OWNER", "ADMIN", "OPERATOR", "BILLING", "VIEWER", "CUSTOMER"] as const;
type Role = (typeof everyRole)[number];

/** Every route of the dashboard that is for somebody who is signed in. */
const routes = ({ account, tier, limit }: Record<"account" | "tier" | "limit", string>) => [
  "/",
  "/accounts",
  `/accounts/${account}`,
  "/tiers",
  "/tiers/new",
  `/tiers/${tier}`,
  `/limits/${limit}`,
  "/endpoints",
  "/usage",
  "/usage/reconciliation",
  "/denials",
  "/scheduled",
  "/audit",
  "/settings",
  "/settings/rollout",
  "/settings/members",
  "/settings/tokens",
  "/profile",
  "/nowhere",
];

/** What a button is called that changes something. */
const changes =
  /^(Actions for|Adjust|Change|Copy to|Create|Delete|Discard|Dismiss|Edit|Import|Invite|Leaked|Move|New|Override|Pause|Publish|Remove|Reset|Resume|Revoke|Save|Select|Set|Stop|Turn|Void)\b/;

/** Which of them there are for a role, on any page but their own profile. */
const mayChange: Record<Role, RegExp> = {
  OWNER: /./,
  ADMIN: /./,
  OPERATOR: /^(?!Invite|New token|Save retention|Adjust|Void)/,
  BILLING: /^(Adjust|Void)/,
  VIEWER: /^$/,
  CUSTOMER: /^(New key|Actions for production)$/,
};

let someone: Customer;
let limit: string;
test.beforeAll(async ({ browser }) => {
  const page = await browser.newPage();
  someone = await customer(page, [perMinute(100)]);
  limit = (await tiers(page)).find((t) => t.id === someone.tierId)?.limits[0]?.id ?? "";
  await page.close();
});

/** A page of somebody with a role, on a phone. */
async function as(role: Role, page: Page, browser: Browser): Promise<Page> {
  const { inviteMember } = await ask<{ inviteMember: { url: string } }>(
    page,
    "mutation($i: InviteMemberInput!) { inviteMember(input: $i) { url } }",
    {
      i: {
        email: `${fresh(role.toLowerCase()).replace(" ", "-")}@example.com`,
        role,
        ...(role === "CUSTOMER" && { accountId: someone.accountId }),
      },
    },
  );
  const context = await browser.newContext({
    storageState: { cookies: [], origins: [] },
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    reducedMotion: "reduce",
  });
  const joined = await context.request.post("/auth/join", {
    data: {
      token: new URL(inviteMember.url).hash.replace("#token=", ""),
      name: `Some ${role.toLowerCase()}`,
      password: "a password of some length",
    },
  });
  expect(joined.status()).toBeLessThan(300);
  return context.newPage();
}

/** Goes on to another page without loading the dashboard anew. */
async function visit(page: Page, path: string) {
  await page.evaluate((to) => history.pushState(null, "", to), path);
  await settled(page);
}

for (const role of everyRole) {
  test(`every page as ${role.toLowerCase()}, on a phone: it is whole, and has no button too many`, async ({
    page,
    browser,
  }) => {
    const theirs = await as(role, page, browser);
    const broken: string[] = [];
    theirs.on("pageerror", (error) => broken.push(String(error)));
    await theirs.goto("/profile");
    await settled(theirs);
    await theirs.getByRole("button", { name: "Open navigation" }).click();
    const nav = theirs.getByRole("navigation", { name: "Main" });
    const linked = await nav
      .getByRole("link")
      .evaluateAll((links) => links.map((a) => new URL((a as HTMLAnchorElement).href).pathname));
    expect(linked.length).toBeGreaterThan(2);
    await theirs.keyboard.press("Escape");

    for (const path of routes({ account: someone.accountId, tier: someone.tierId, limit })) {
      await visit(theirs, path);
      const where = `${path} as ${role.toLowerCase()}`;
      const alerts = await theirs.getByRole("alert").allTextContents();
      const wrong = alerts.filter(
        (text) => linked.includes(path) || !/^You may not see/.test(text),
      );
      expect(wrong, `what is wrong on ${where}`).toEqual([]);
      const overflow = await theirs.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `pixels too wide: ${where}`).toBeLessThanOrEqual(0);
      const buttons = await theirs
        .locator("main button:not(th button)")
        .evaluateAll((all) =>
          all
            .filter((b) => (b as HTMLElement).offsetParent !== null)
            .map((b) => b.getAttribute("aria-label") ?? b.textContent ?? ""),
        );
      if (path !== "/profile") {
        const extra = buttons.filter(
          (b) => changes.test(b) && !/, record \d+$/.test(b) && !mayChange[role].test(b),
        );
        expect(extra, `buttons that would be refused on ${where}`).toEqual([]);
      }
      // Where nothing is refused, it is a part of what an owner sees, in pages.spec.ts.
      const unlike = alerts.length > 0 || (role === "CUSTOMER" && linked.includes(path));
      if (unlike) expect(await violations(theirs), `axe on ${where}`).toEqual([]);
    }
    expect(broken).toEqual([]);
    await theirs.context().close();
  });
}
