import { readFileSync } from "node:fs";
import { expect, type Page, test } from "@playwright/test";
import { settled, violations } from "./axe";
import { ask, type Customer, customer, fresh, perMinute, send, statusOf } from "./gateway";

let someone: Customer;

test.beforeAll(async ({ browser }) => {
  const page = await browser.newPage();
  someone = await customer(page, [perMinute(10_000)]);
  await expect.poll(() => statusOf(page.request, someone.key)).toBe(200);
  for (let i = 0; i < 5; i++) await send(page.request, "/v1/users/7", someone.key);
  for (let i = 0; i < 3; i++) await send(page.request, "/v1/orders", someone.key);
  await page.close();
});

const groups = (page: Page, by: string) => page.getByRole("region", { name: `By ${by}` });

/** Waits until the meter has what was sent. */
async function metered(page: Page, path: string) {
  await expect(async () => {
    await page.goto(path);
    await settled(page);
    await expect(page.getByRole("region", { name: /^By / }).getByRole("row").nth(1)).toBeVisible({
      timeout: 2_000,
    });
  }).toPass();
}

test("usage is narrowed, split and compared, by keyboard, and the address keeps it all", async ({
  page,
}) => {
  await metered(page, `/usage?range=15m&account=${someone.accountId}`);
  await expect(page.getByRole("button", { name: `Account: ${someone.name}` })).toBeVisible();

  await page.getByLabel("Group by").selectOption("Endpoint");
  await page.getByLabel("Compare with").selectOption("The period before");
  const table = groups(page, "endpoint");
  const users = table.getByRole("row", { name: /users/ });
  await expect(users.getByRole("cell").nth(1)).toHaveText("5");
  await expect(users.getByRole("cell").nth(4)).toHaveText("new");

  const chip = page.getByRole("button", { name: /^Endpoint:/ });
  await chip.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("orders");
  const options = page.getByRole("listbox", { name: "Endpoint" }).getByRole("option");
  await expect(options.first()).toContainText("orders");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await expect(chip).toBeFocused();
  await expect(users).toBeHidden();

  await page.reload();
  await settled(page);
  await expect(page.getByRole("button", { name: /^Endpoint:.*orders/ })).toBeVisible();
  await expect(page.getByLabel("Group by")).toHaveValue("endpoint");
  await expect(page.getByLabel("Compare with")).toHaveValue("previous");

  await page.getByRole("button", { name: "Remove the endpoint filter" }).click();
  await expect(users).toBeVisible();
  await table.getByRole("button", { name: /^Only .*users/ }).click();
  await expect(table.getByRole("row")).toHaveCount(2);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page).not.toHaveURL(/account=|endpoint=/);
});

test("a click on the legend leaves one group, and a drag over the chart zooms in", async ({
  page,
}) => {
  await metered(page, `/usage?range=1h&account=${someone.accountId}&group=endpoint`);
  const chart = page.getByRole("region", { name: "Requests", exact: true });
  const entry = chart.getByRole("button", { name: /users/ });
  await entry.focus();
  await page.keyboard.press("Enter");
  await expect(entry).toHaveAttribute("aria-pressed", "true");
  await expect(page).toHaveURL(/only=/);
  await entry.click();
  await expect(page).not.toHaveURL(/only=/);

  const box = await chart.getByRole("img").boundingBox();
  if (!box) throw new Error("the chart has no place");
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.4, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, y, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=.*to=/);
});

test("what is shown is taken away as CSV, and all of it in a stream", async ({ page }) => {
  await metered(page, `/usage?range=15m&account=${someone.accountId}&group=endpoint`);
  const save = async (click: Promise<void>) => {
    const [download] = await Promise.all([page.waitForEvent("download"), click]);
    return {
      name: download.suggestedFilename(),
      text: readFileSync(await download.path(), "utf8"),
    };
  };
  const chart = page.getByRole("region", { name: "Requests", exact: true });
  const points = await save(chart.getByRole("button", { name: "CSV" }).click());
  expect(points.name).toBe("weir-usage.csv");
  expect(points.text).toMatch(/^time,get \/v1\/users\/\{id\},/);
  expect(points.text.split("\r\n")[1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z,\d+/);

  const rows = await save(groups(page, "endpoint").getByRole("button", { name: "CSV" }).click());
  expect(rows.name).toBe("weir-usage-groups.csv");
  expect(rows.text).toContain("GET /v1/users/{id},5,");

  await chart.getByRole("button", { name: "Export all" }).click();
  const all = await save(page.getByRole("menuitem", { name: /^CSV/ }).click());
  expect(all.name).toMatch(/^usage-.*\.csv$/);
  expect(all.text).toContain("/v1/users/{id}");
});

test("a question that is too large says what to narrow, and one click does it", async ({
  page,
}) => {
  await page.goto("/usage?range=30d&points=minute&group=account");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("can’t be answered as it is");
  await expect(alert).toContainText("coarser granularity");
  await alert.getByRole("button", { name: "Show hours" }).click();
  await expect(alert).toBeHidden();
  await expect(page.getByText("per hour, in UTC")).toBeVisible();
});

test("the hours of the week are read with the arrow keys, in a time zone of one’s own", async ({
  page,
}) => {
  await metered(page, `/usage?range=15m&account=${someone.accountId}`);
  await page.getByRole("button", { name: "Hour of week" }).click();
  const map = page.getByRole("grid", { name: /hour of the week/ });
  await map.getByRole("gridcell", { name: /^Monday 00:00–01:00/ }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await expect(map.getByRole("gridcell", { name: /^Tuesday 01:00–02:00/ })).toBeFocused();
  await expect(page.getByText(/^Tuesday 01:00–02:00:/)).toBeVisible();
  await expect(map.getByRole("gridcell", { name: /: [1-9]\d* requests/ })).not.toHaveCount(0);
  await page.getByRole("button", { name: "Table" }).click();
  await expect(page.getByRole("table").getByRole("row")).toHaveCount(25);
  await page.getByRole("button", { name: "Last 30 days" }).click();
  await expect(page).toHaveURL(/range=30d/);
});

test("reconciliation says first whether everything that was sent is there", async ({ page }) => {
  await expect(async () => {
    await page.goto(`/usage/reconciliation?account=${someone.accountId}`);
    await settled(page);
    const row = page.getByRole("row", { name: new RegExp(someone.name) });
    await expect(row.getByRole("cell").nth(2)).toHaveText(/^\d+$/, { timeout: 2_000 });
  }).toPass();
  const row = page.getByRole("row", { name: new RegExp(someone.name) });
  const sent = await row.getByRole("cell").nth(2).textContent();
  await expect(row.getByRole("cell").nth(3)).toHaveText(sent ?? "");
  await expect(page.getByText("All 31 days agree")).toBeVisible();
  await page.getByLabel("Days", { exact: true }).selectOption("Last 7 days");
  await expect(page.getByText("All 7 days agree")).toBeVisible();
  await expect(page.getByRole("region", { name: "Unaccounted usage" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Rollups" }).getByRole("row")).toHaveCount(5);
});

test("a custom meter is made, mended, explored and deleted", async ({ page }) => {
  const name = fresh("Tokens");
  await page.goto("/settings");
  await settled(page);
  const meters = page.getByRole("region", { name: "Custom meters" });
  await meters.getByRole("button", { name: "New meter" }).click();
  const dialog = page.getByRole("dialog", { name: "New meter" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Unit").fill("tokens");
  await dialog.getByLabel("Response header").fill("not a header");
  await dialog.getByRole("button", { name: "Create meter" }).click();
  await expect(dialog.getByLabel("Response header")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Response header").fill("x-tokens");
  await dialog.getByRole("button", { name: "Create meter" }).click();
  const row = meters.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("x-tokens");
  await expect(meters.getByRole("status")).toContainText(/on \d+ of \d+/i);

  const { meters: all } = await ask<{ meters: { nodes: Array<{ id: string; name: string }> } }>(
    page,
    "{ meters { nodes { id name } } }",
  );
  const meterId = all.nodes.find((m) => m.name === name)?.id;
  const edit = async () => {
    await row.getByRole("button", { name: `Edit ${name}` }).click();
    await page.getByRole("dialog").getByLabel("Hide the header").check();
  };
  await edit();
  await ask(page, "mutation($i: UpdateMeterInput!) { updateMeter(input: $i) { meter { id } } }", {
    i: { id: meterId, header: "x-words" },
  });
  const save = page.getByRole("dialog").getByRole("button", { name: "Save meter" });
  await save.click();
  const stale = page.getByRole("dialog", { name: `Somebody else changed ${name}` });
  await expect(stale).toContainText("x-words");
  await stale.getByRole("button", { name: "Take theirs" }).click();
  await expect(row).toContainText("x-words");
  await edit();
  await save.click();
  await expect(row).toContainText("Hidden");

  const { accountId } = someone;
  const at = new Date(Date.now() - 60_000).toISOString();
  await ask(page, "mutation($i: AdjustUsageInput!) { adjustUsage(input: $i) { known } }", {
    i: { clientId: name, accountId, at, meterId, amount: 1234, reason: "test" },
  });
  await row.getByRole("link", { name }).click();
  await expect(page.getByLabel("Measure")).toContainText(name);
  await page.goto(`/usage?range=15m&measure=meter:${meterId}&compare=previous`);
  await settled(page);
  const chart = page.getByRole("region", { name, exact: true });
  await expect(chart.getByText("tokens per minute")).toBeVisible();
  await expect(chart.getByRole("button", { name: new RegExp(someone.name) })).toBeVisible();
  const ranked = page.getByRole("region", { name: "By account" }).getByRole("row");
  await expect(ranked.nth(1)).toContainText(someone.name);
  await expect(ranked.nth(1)).toContainText("1,234");
  await chart.getByRole("button", { name: "Table" }).click();
  await expect(chart.getByRole("columnheader", { name: `${someone.name}, before` })).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.getByLabel("Measure").selectOption("Requests");
  await page.goto("/settings");
  await row.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByLabel(`Type “${name}” to confirm`).fill(name);
  await page.getByRole("button", { name: "Delete meter" }).click();
  await expect(row).toBeHidden();
});

test("past usage is adjusted with a reason, shows beside what was sent, and is voided", async ({
  page,
}) => {
  await page.goto(`/accounts/${someone.accountId}`);
  await settled(page);
  await page.getByRole("button", { name: "Adjust usage" }).click();
  const dialog = page.getByRole("dialog", { name: `Adjust the usage of ${someone.name}` });
  await expect(dialog.getByRole("button", { name: "Adjust usage" })).toBeDisabled();
  await dialog.getByLabel("What to do").selectOption("Add");
  await dialog.getByLabel("Bytes out").fill("2,000");
  await expect(dialog.getByRole("status")).toContainText("Adds 2,000 bytes out to");
  await dialog.getByLabel("Bytes out").fill("");
  await dialog.getByLabel("Requests").fill("40");
  await expect(dialog.getByRole("status")).toContainText(`Adds 40 requests to ${someone.name}`);
  await dialog.getByLabel("Minute").fill("2100-01-01T00:00");
  await dialog.getByLabel("Reason").fill("Credit for the outage");
  await dialog.getByRole("button", { name: "Adjust usage" }).click();
  await expect(dialog.getByLabel("Minute")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Minute").fill(new Date(Date.now() - 60_000).toISOString().slice(0, 16));
  await dialog.getByRole("button", { name: "Adjust usage" }).click();

  const corrections = page.getByRole("region", { name: "Corrections" });
  const row = corrections.getByRole("row", { name: /Credit for the outage/ });
  await expect(row).toContainText("+40");
  await page.goto(`/usage?range=15m&account=${someone.accountId}&decision=CORRECTED`);
  await expect(groups(page, "decision").getByRole("row", { name: /Corrected/ })).toContainText(
    "40",
  );
  await page.goto(`/usage/reconciliation?account=${someone.accountId}`);
  await expect(page.getByText("All 31 days agree")).toBeVisible();
  await expect(page.getByRole("definition").filter({ hasText: "+40" })).toBeVisible();

  await row.getByRole("button", { name: /^Void/ }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("Wrong account");
  await page.getByRole("dialog").getByRole("button", { name: "Void correction" }).click();
  await expect(corrections.getByRole("row", { name: /Wrong account/ })).toContainText("−40");
});
