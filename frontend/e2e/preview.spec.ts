import { expect, test } from "@playwright/test";
import { look, looks, pictures, violations } from "./axe";
import { ask, customer, perMinute, send, statusOf } from "./gateway";

test("a draft is played on stored usage: whom it would have throttled, when, and beside today’s limits", async ({
  page,
  request,
}) => {
  const someone = await customer(page, [perMinute(1_000)]);
  await ask(page, "mutation($i: SaveTierDraftInput!) { saveTierDraft(input: $i) { snapshot } }", {
    i: { tierId: someone.tierId, limits: [perMinute(1)] },
  });
  // The key is on its way to Envoy, and then its usage to the rollups.
  await expect.poll(() => statusOf(request, someone.key)).toBe(200);
  for (let i = 0; i < 15; i++) await send(request, "/hello", someone.key);
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const counted = async () => {
    const { preview } = await ask<{ preview: { total: { requests: number } } }>(
      page,
      "query($i: PreviewInput!) { preview(input: $i) { total { requests } } }",
      { i: { tierId: someone.tierId, from } },
    );
    return preview.total.requests;
  };
  await expect.poll(counted).toBeGreaterThanOrEqual(16);
  await page.goto(`/tiers/${someone.tierId}`);
  const question = page.getByRole("region", { name: "What would this do?" });
  const answer = question.getByRole("status");
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await expect(answer).toContainText(/^1 of 1 account would have been throttled/);
  await expect(question.getByLabel("Play", { exact: true })).toHaveValue("kept");
  await expect(answer).toContainText("With today’s limits none would have been.");

  await expect(
    page.getByRole("figure", { name: /^Requests throttled per 15 minutes/ }),
  ).toBeVisible();
  const row = page.getByRole("row", { name: new RegExp(`^${someone.name} `) });
  await row.getByRole("button", { name: `Show when: ${someone.name}` }).press("Enter");
  const when = page.getByRole("region", { name: `When: ${someone.name}` });
  await expect(when.getByRole("figure")).toBeVisible();
  for (const as of looks) {
    await look(page, as);
    expect(await violations(page)).toEqual([]);
  }
  // On a phone, too, each account's row says what today's limits would have done.
  await expect(row).toContainText(/With today’s limits ?0/);
  await pictures(page, "preview", { fullPage: true });
  await look(page, looks[0]);
  await when.getByRole("button", { name: "Table" }).click();
  await expect(when.getByRole("columnheader", { name: "With today’s limits" })).toBeVisible();
  await when.getByRole("button", { name: "All accounts" }).press("Enter");
  await expect(page.getByRole("region", { name: "When", exact: true })).toBeVisible();
  await expect(row.getByRole("button", { name: `Show when: ${someone.name}` })).toBeFocused();

  // The limits of the form are others.
  await question.getByLabel("Play", { exact: true }).selectOption("the limits above");
  await expect(question.getByText("play it again")).toBeVisible();
  await question.getByRole("button", { name: "Play", exact: true }).click();
  await expect(answer).toContainText("None of 1 account would have been throttled.");
  await expect(page.getByRole("heading", { name: "Nothing is throttled" })).toBeVisible();
});
