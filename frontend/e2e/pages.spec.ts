import { expect, type Page, test } from "@playwright/test";
import { look, looks, pictures, settled, themes, tooWide, violations, widths } from "./axe";
import {
  ask,
  customer,
  perMinute,
  send,
  sendUntilDenied,
  statusOf,
  tierNamed,
  tiers,
} from "./gateway";

/** The site map, by the name of each page's pictures. */
const pages: Record<string, (page: Page) => Promise<string>> = {
  overview: async () => "/?range=15m",
  accounts: async () => "/accounts?range=15m",
  account: async (page) => {
    const { accounts } = await ask<{ accounts: { nodes: Array<{ id: string }> } }>(
      page,
      "{ accounts(first: 1) { nodes { id } } }",
    );
    return `/accounts/${accounts.nodes[0]?.id}?range=15m`;
  },
  tiers: async () => "/tiers",
  tier: async (page) => `/tiers/${(await tierNamed(page, "Professional")).id}`,
  limit: async (page) => {
    const limits = (await tiers(page)).flatMap((t) => t.limits);
    const shadow = limits.findLast((l) => l.mode === "SHADOW");
    return `/limits/${shadow?.id}?range=15m`;
  },
  denials: async () => `/denials?request=${requestId}`,
  endpoints: async () => "/endpoints",
  usage: async () => "/usage?range=15m",
  "usage-by-account": async () =>
    "/usage?range=15m&group=account,endpoint&compare=previous&chart=bars",
  "usage-latency": async () => "/usage?range=15m&group=account&measure=p95",
  "usage-week": async () => "/usage?range=30d&view=week",
  "usage-refused": async () => "/usage?range=30d&points=minute&group=account&top=100",
  reconciliation: async () => "/usage/reconciliation",
  audit: async () => "/audit",
  scheduled: async () => "/scheduled",
  settings: async () => "/settings",
  rollout: async () => "/settings/rollout",
};

let requestId = "";

test.beforeAll(async ({ browser }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  for (const key of ["demo-professional", "demo-enterprise", "demo-basic", "nobody"]) {
    await Promise.all(Array.from({ length: 15 }, () => send(page.request, "/v1/users/7", key)));
  }
  const { key } = await customer(page, [
    perMinute(2, { name: "daily", period: "DAY" }),
    { name: "monthly", kind: "QUOTA", amount: 1_000_000, period: "MONTH" },
    perMinute(1, { name: "daily-shadow", mode: "SHADOW" }),
  ]);
  await expect.poll(() => statusOf(page.request, key)).toBe(200);
  const denied = await sendUntilDenied(page.request, key, 5);
  requestId = (await denied.json())["request-id"];
  await context.close();
});

for (const [name, pathOf] of Object.entries(pages)) {
  test(`${name}: no axe violation, wide and light, narrow and dark; no sideways scrolling`, async ({
    page,
  }) => {
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(await pathOf(page));
    await settled(page);
    for (const width of widths) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `pixels too wide at ${width}`).toBeLessThanOrEqual(0);
    }
    expect(await tooWide(page), "tables too wide on a phone").toEqual([]);
    for (const { colorScheme, width } of looks) {
      await look(page, { colorScheme, width });
      expect(await violations(page), `axe, ${colorScheme}, at ${width}`).toEqual([]);
    }
    await pictures(page, name, { fullPage: true });
    expect(complaints).toEqual([]);
  });
}

test("sign-in: no axe violation", async ({ browser }) => {
  const stranger = await browser.newContext({ storageState: undefined });
  const page = await stranger.newPage();
  await page.goto("/sign-in");
  await settled(page);
  for (const colorScheme of themes) {
    for (const width of widths) {
      await look(page, { colorScheme, width });
      expect(await violations(page), `axe, ${colorScheme}, at ${width}`).toEqual([]);
    }
  }
  await pictures(page, "sign-in");
  await stranger.close();
});

test("GraphiQL works without a network, and answers a query", async ({
  page,
  context,
  baseURL,
}) => {
  const origin = new URL(baseURL ?? "").origin;
  const elsewhere: string[] = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:")) elsewhere.push(url);
  });
  await page.goto("/graphiql");
  // The editors load one by one; before they have, there is nothing to execute.
  const editors = page.locator(".cm-s-graphiql .CodeMirror-code");
  await expect(editors.filter({ hasText: "TopConsumers" })).toBeVisible();
  await expect(editors.filter({ hasText: '"from"' })).toBeVisible();
  await expect(page.locator(".result-window .CodeMirror")).toBeVisible();
  await page.getByRole("button", { name: /Execute query/ }).click();
  await expect(page.getByRole("region", { name: "Result Window" })).toContainText("topConsumers");
  expect(elsewhere).toEqual([]);
});

test("a lost control plane is said, with a way to try again", async ({ page }) => {
  await page.route("**/graphql", (route) => route.abort());
  await page.goto("/accounts");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("Could not load the accounts");
  await page.unroute("**/graphql");
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("table")).toBeVisible();
});
