import { expect, test } from "@playwright/test";
import { violations } from "./axe";
import { send, tierNamed } from "./gateway";

test("limits are played on stored usage before they are saved", async ({ page, request }) => {
  for (let i = 0; i < 5; i++) await send(request);
  const basic = await tierNamed(page, "Basic");
  await page.goto(`/tiers/${basic.id}`);
  const panel = page.getByRole("region", { name: "What would this do?" });
  await panel.getByLabel("On the usage of the").selectOption("last hour");
  await expect(async () => {
    await panel.getByRole("button", { name: "Play" }).click();
    await expect(panel.getByRole("status")).toContainText("Really throttled", { timeout: 2_000 });
  }).toPass();
  await expect(panel.getByRole("group", { name: "Accounts by harm" })).toBeVisible();
  expect(await violations(page)).toEqual([]);
});
