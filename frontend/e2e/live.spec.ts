import { expect, test } from "@playwright/test";
import { customer, perMinute, send, statusOf } from "./gateway";

test("traffic through Envoy shows on the overview as it happens", async ({ page, request }) => {
  await page.goto("/");
  const table = page.getByRole("region", { name: "Accounts" }).getByRole("table");
  const row = table.getByRole("row").filter({ has: page.getByRole("link", { name: "Basic" }) });
  const requests = row.getByRole("cell").nth(5);
  await expect(requests).toHaveText(/^[\d.]+[kM]?$/);
  const counted = async () => {
    const inFull = (await requests.locator("[title]").getAttribute("title")) ?? "";
    return Number(inFull.replaceAll(",", ""));
  };
  const before = await counted();

  const now = page.getByRole("definition").filter({ hasText: "req/s" });
  await expect
    .poll(
      async () => {
        await Promise.all([send(request), send(request), send(request)]);
        return Number.parseFloat((await now.textContent()) ?? "");
      },
      { message: "requests per second now", intervals: [250] },
    )
    .toBeGreaterThan(0);

  await expect
    .poll(counted, { message: "the account's requests in the range" })
    .toBeGreaterThan(before);

  const live = page.getByRole("region", { name: "Live traffic", exact: true });
  await live.getByRole("button", { name: "Table" }).click();
  const seconds = live.getByRole("row").filter({ hasNot: page.getByText("no data") });
  await expect(seconds.nth(1)).toBeVisible();

  await row.getByRole("link").first().click();
  await expect(page.getByRole("heading", { name: "Limits" })).toBeVisible();
  await expect(page.getByRole("meter").first()).toBeVisible();
});

test("says when the feed is cut, and comes back by itself", async ({ page }) => {
  let reachable = true;
  let cut = async () => {};
  await page.routeWebSocket(/\/graphql$/, async (socket) => {
    if (!reachable) return socket.close({ code: 1011, reason: "away" });
    socket.connectToServer();
    cut = () => socket.close({ code: 1011, reason: "away" });
  });
  await page.goto("/");
  await expect(page.getByText(/last request metered|Waiting for the next request/)).toBeVisible();
  reachable = false;
  await cut();
  const lost = page.getByText(/^Disconnected.*connecting again$/);
  await expect(lost).toBeVisible();
  await expect(page.getByRole("switch", { name: "Live" })).toHaveText("Live: Offline");
  reachable = true;
  await expect(lost).toBeHidden();
  await expect(page.getByRole("switch", { name: "Live" })).toHaveText("Live");
});

test("the live switch and the time range are in the address, and survive navigation", async ({
  page,
}) => {
  await page.goto("/");
  await page.getByRole("switch", { name: "Live" }).click();
  await page.getByRole("button", { name: /^Time range/ }).click();
  await page.getByRole("button", { name: "6 h", exact: true }).click();
  await page.getByRole("navigation").getByRole("link", { name: "Usage" }).click();
  await expect(page).toHaveURL(/\/usage\?range=6h&live=off$/);
  await expect(page.getByRole("switch", { name: "Live" })).not.toBeChecked();
});

test("top consumers and what remains of a limit follow the traffic, and say when they are cut off", async ({
  page,
  request,
}) => {
  const { accountId, name, key } = await customer(page, [
    perMinute(1_000_000, { kind: "WINDOW", period: "HOUR", name: "hourly" }),
  ]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  let reachable = true;
  let cut = async () => {};
  await page.routeWebSocket(/\/graphql$/, async (socket) => {
    if (!reachable) return socket.close({ code: 1011, reason: "away" });
    socket.connectToServer();
    cut = () => socket.close({ code: 1011, reason: "away" });
  });
  await page.goto("/");
  const consumers = page.getByRole("region", { name: "Top consumers" });
  await expect(consumers.getByRole("button", { name: "Now" })).toHaveAttribute(
    "aria-pressed",
    "true",
  );
  await expect(consumers).toContainText("Last 5 minutes, live");
  await expect(async () => {
    await Promise.all(Array.from({ length: 20 }, () => send(request, "/hello", key)));
    await expect(consumers.getByRole("link", { name })).toBeVisible({ timeout: 1_500 });
  }).toPass();
  await consumers.getByRole("button", { name: "Range" }).click();
  await expect(consumers).not.toContainText("live");

  await page.goto(`/accounts/${accountId}`);
  const limits = page.getByRole("region", { name: "Limits" });
  await expect(limits).toContainText("live");
  const remaining = async () => {
    const text = (await limits.getByText(/remaining$/).textContent()) ?? "";
    return Number(text.replace(/[^0-9]/g, ""));
  };
  const before = await remaining();
  await send(request, "/hello", key);
  await expect.poll(remaining, { message: "less remains" }).toBeLessThan(before);
  reachable = false;
  await cut();
  await expect(limits.getByRole("status")).toHaveText(/^Reconnecting; as of \d\d:\d\d:\d\d$/);
  reachable = true;
  await expect(limits.getByRole("status")).toBeHidden();
});
