import { expect, type Page, test } from "@playwright/test";
import { settled, violations } from "./axe";
import { act, ask, customer, fresh, perMinute, tierNamed } from "./gateway";

const stale = (page: Page) => page.getByRole("dialog", { name: /^Somebody else changed / });
const onTop = (page: Page) => stale(page).getByRole("button", { name: "Put mine on top" });

/** Somebody else changes an account. */
const updateAccount = (page: Page, input: object) =>
  ask(page, "mutation($i: UpdateAccountInput!) { updateAccount(input: $i) { snapshot } }", {
    i: input,
  });

/** Holds the page's own queries back, so that it doesn't read what somebody else does. */
async function readNoMore(page: Page) {
  await page.route("**/graphql", async (route) => {
    const query: string = route.request().postDataJSON()?.query ?? "";
    if (query.startsWith("query")) return;
    await route.fallback();
  });
  return () => page.unroute("**/graphql");
}

test("a key that somebody else changed meanwhile is suspended only when that is said again", async ({
  page,
}) => {
  const { accountId } = await customer(page, [perMinute(10)]);
  await page.goto(`/accounts/${accountId}`);
  const row = page.getByRole("region", { name: "Keys" }).getByRole("row", { name: /production/ });
  await act(row, "production", "Suspend");
  const { account } = await ask<{ account: { keys: { nodes: Array<{ id: string }> } } }>(
    page,
    "query($id: ID!) { account(id: $id) { keys(first: 1) { nodes { id } } } }",
    { id: accountId },
  );
  await ask(page, "mutation($i: UpdateKeyInput!) { updateKey(input: $i) { snapshot } }", {
    i: { id: account.keys.nodes[0]?.id, expiresAt: "2099-01-02T00:00:00Z" },
  });
  await page.getByRole("button", { name: "Suspend key" }).click();
  await expect(stale(page).getByRole("row", { name: /expiresAt/ })).toContainText("2099");
  await expect(row).not.toContainText("Suspended");
  expect(await violations(page)).toEqual([]);
  await onTop(page).click();
  await expect(row).toContainText("Suspended");
});

test("an account that somebody else moved meanwhile goes where it was sent only when that is said again", async ({
  page,
}) => {
  const { accountId } = await customer(page, [perMinute(10)]);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "Change tier" }).click();
  const dialog = page.getByRole("dialog", { name: /^Change the tier of / });
  await dialog.getByLabel("New tier").selectOption({ label: "Enterprise" });
  await expect(dialog.getByRole("row", { name: /^per-minute / }).first()).toBeVisible();
  await updateAccount(page, { id: accountId, tierId: (await tierNamed(page, "Basic")).id });
  await dialog.getByRole("button", { name: /^Move to Enterprise/ }).click();
  await expect(stale(page).getByRole("row", { name: /tierId/ })).toBeVisible();
  await onTop(page).click();
  await expect(stale(page)).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Enterprise" }).first()).toBeVisible();

  await page.getByRole("button", { name: "Change tier" }).click();
  await dialog.getByLabel("New tier").selectOption({ label: "Professional" });
  await updateAccount(page, { id: accountId, billingDay: 9 });
  await dialog.getByRole("button", { name: /^Move to Professional/ }).click();
  await stale(page).getByRole("button", { name: "Take theirs" }).click();
  await expect(page.getByText(/billed from day 9/)).toBeVisible();
  await expect(page.getByRole("link", { name: "Enterprise" }).first()).toBeVisible();
});

test("a draft that somebody else saved meanwhile isn't overwritten unseen", async ({ page }) => {
  const { tierId } = await customer(page, [perMinute(1_000)]);
  const theirs = (amount: number) =>
    ask(page, "mutation($i: SaveTierDraftInput!) { saveTierDraft(input: $i) { snapshot } }", {
      i: { tierId, limits: [perMinute(amount)], note: "theirs" },
    });
  await page.goto(`/tiers/${tierId}`);
  await page.getByRole("button", { name: /^per-minute / }).click();
  const amount = page
    .getByRole("group", { name: "per-minute", exact: true })
    .getByLabel("Requests", { exact: true });
  await amount.fill("700");
  await theirs(800);
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(stale(page).getByText(/ saved a draft\.$/)).toBeVisible();
  await onTop(page).click();
  await expect(stale(page)).toHaveCount(0);
  await expect(amount).toHaveValue("700");
  await page.getByRole("button", { name: "Replace the draft" }).click();
  await expect(page.getByText("You are editing the draft.")).toBeVisible();

  // The draft itself is edited, and somebody else does, too.
  await amount.fill("600");
  await theirs(900);
  await page.getByRole("button", { name: "Save draft" }).click();
  await stale(page).getByRole("button", { name: "Take theirs" }).click();
  await expect(page.getByText("There is a draft of the next version.")).toBeVisible();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: /^per-minute / }).click();
  await expect(amount).toHaveValue("900");
});

test("an override that somebody else set where none was is shown, and one that they took away is said to be gone", async ({
  page,
}) => {
  const limitId = async (tierId: string) => {
    const { tier } = await ask<{ tier: { limits: Array<{ id: string }> } }>(
      page,
      "query($id: ID!) { tier(id: $id) { limits { id } } }",
      { id: tierId },
    );
    return tier.limits[0]?.id;
  };
  const { accountId, tierId } = await customer(page, [perMinute(10)]);
  await page.goto(`/accounts/${accountId}`);
  await page.getByRole("button", { name: "Override per-minute", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: /^Override for / });
  await dialog.getByLabel("Amount").fill("70");
  const { setOverride } = await ask<{
    setOverride: { account: { overrides: { nodes: Array<{ id: string }> } } };
  }>(
    page,
    "mutation($i: SetOverrideInput!) { setOverride(input: $i) { account { overrides(first: 1) { nodes { id } } } } }",
    { i: { accountId, limitId: await limitId(tierId), amount: 55, note: fresh("theirs") } },
  );
  await dialog.getByRole("button", { name: "Set override" }).click();
  await expect(stale(page).getByRole("row", { name: /^amount/ })).toContainText("55");
  await expect(stale(page).getByRole("row", { name: /^note/ })).toContainText("theirs");
  await expect(stale(page).getByRole("row", { name: /Id/ })).toHaveCount(0);
  await stale(page).getByRole("button", { name: "Take theirs" }).click();
  await expect(page.getByRole("row", { name: /55\/min/ })).toBeVisible();

  const readAgain = await readNoMore(page);
  await page.getByRole("button", { name: "Change per-minute", exact: true }).click();
  await dialog.getByLabel("Amount").fill("70");
  await ask(page, "mutation($id: ID!) { deleteOverride(id: $id) { snapshot } }", {
    id: setOverride.account.overrides.nodes[0]?.id,
  });
  await dialog.getByRole("button", { name: "Replace override" }).click();
  await expect(stale(page).getByText(/took this override away/)).toBeVisible();
  await readAgain();
  await onTop(page).click();
  await expect(page.getByRole("row", { name: /70\/min/ })).toBeVisible();
});

test("defaults that somebody else changed meanwhile: the focus stays whichever is taken", async ({
  page,
}) => {
  const theirs = async (percent: number | null) => {
    const { defaults } = await ask<{
      defaults: { tier: { id: string }; anonymousTier: { id: string } | null };
    }>(page, "{ defaults { tier { id } anonymousTier { id } } }");
    await ask(page, "mutation($i: DefaultsInput!) { setDefaults(input: $i) { snapshot } }", {
      i: {
        tierId: defaults.tier.id,
        anonymousTierId: defaults.anonymousTier?.id ?? null,
        introductoryAllowance: percent && { percent, days: 3 },
      },
    });
  };
  await page.goto("/settings");
  await settled(page);
  const panel = page.getByRole("region", { name: "Default tiers" });
  const percent = panel.getByLabel("Introductory allowance");
  const save = panel.getByRole("button", { name: "Save defaults" });
  await percent.fill("300");
  await panel.getByLabel("For how many days").fill("5");
  await theirs(150);
  await save.press("Enter");
  await onTop(page).press("Enter");
  await expect(save).toBeDisabled();
  await expect(save).toBeFocused();

  await percent.fill("400");
  await theirs(null);
  await save.press("Enter");
  await stale(page).getByRole("button", { name: "Take theirs" }).press("Enter");
  await expect(percent).toHaveValue("");
  await expect(panel.getByLabel("Accounts without a tier")).toBeFocused();
});
