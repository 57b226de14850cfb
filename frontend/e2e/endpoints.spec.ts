import { expect, test } from "@playwright/test";
import { violations } from "./axe";
import { ask, customer, perMinute, send, statusOf } from "./gateway";

const head = "openapi: 3.1.0\ninfo: {title: Zoo, version: 1.0.3}\nservers: [{url: /zoo}]\n";

test.afterEach(async ({ page }) => {
  type Answer = { endpoints: { nodes: Array<{ id: string; template: string }> } };
  const { endpoints } = await ask<Answer>(page, "{endpoints(first:1000){nodes{id template}}}");
  for (const e of endpoints.nodes.filter((e) => e.template.startsWith("/zoo/")))
    await ask(page, "mutation($id:ID!){deleteEndpoint(id:$id){id}}", { id: e.id });
});

test("a document is imported after its changes are seen, and again without losing any", async ({
  page,
}) => {
  await page.goto("/endpoints");
  await page.getByRole("button", { name: "Import OpenAPI" }).click();
  const dialog = page.getByRole("dialog", { name: "Import an OpenAPI document" });
  const document = dialog.getByRole("textbox", { name: "Document" });
  await document.fill(`${head}paths:\n  zoo: {}`);
  await dialog.getByRole("button", { name: "Show what changes" }).click();
  await expect(
    dialog.getByText("line 5, paths.zoo: a path has to begin with a slash"),
  ).toBeVisible();

  await document.fill(`${head}paths: {/apes: {get: {x-weir-cost: 3}}, "/apes/{id}": {get: {}}}`);
  await dialog.getByRole("button", { name: "Show what changes" }).click();
  const changes = dialog.getByRole("region", { name: "What changes" });
  await expect(changes.getByRole("status")).toHaveText("Zoo 1.0.3 has 2 endpoints: 2 added.");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Import 2 changes" }).click();
  await expect(page.getByText("The endpoints are those of Zoo 1.0.3")).toBeVisible();
  await expect(page.getByRole("row", { name: /\/zoo\/apes\/\{id\}/ })).toContainText("Zoo 1.0.3");

  await page.getByRole("button", { name: "Import OpenAPI" }).click();
  await document.fill(`${head}paths: {"/apes/{name}": {get: {}}}`);
  await dialog.getByLabel("Delete what the document has no more").check();
  await dialog.getByRole("button", { name: "Show what changes" }).click();
  await expect(changes.getByRole("row", { name: /GET \/zoo\/apes\/\{name\}/ })).toContainText(
    "was /zoo/apes/{id}",
  );
  await expect(changes.getByRole("row", { name: /deleted GET \/zoo\/apes/ })).toContainText(
    "0 requests in the last 30 days",
  );
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Import 2 changes" }).click();
  await expect(page.getByRole("row", { name: /\/zoo\/apes\/\{name\}/ })).toBeVisible();
  await expect(page.getByRole("row", { name: /\/zoo\/apes$/ })).toBeHidden();
});

test("single changes of a document are chosen by keyboard, and the others are shown again", async ({
  page,
}) => {
  const document = `${head}paths: {/apes: {get: {}, put: {}}, "/apes/{id}": {get: {}}}`;
  await page.goto("/endpoints");
  const open = async () => {
    await page.getByRole("button", { name: "Import OpenAPI" }).click();
    await dialog.getByRole("textbox", { name: "Document" }).fill(document);
    await dialog.getByRole("button", { name: "Show what changes" }).click();
  };
  const dialog = page.getByRole("dialog", { name: "Import an OpenAPI document" });
  const box = (name: string) =>
    dialog.getByRole("checkbox", { name: `Choose ${name}`, exact: true });
  await open();
  await expect(box("PUT /zoo/apes")).toBeChecked();
  await box("GET /zoo/apes").focus();
  await page.keyboard.press("ArrowDown");
  await expect(box("PUT /zoo/apes")).toBeFocused();
  await page.keyboard.press("Space");
  await dialog.getByRole("button", { name: "Choose none" }).press("Enter");
  await expect(dialog.getByRole("button", { name: "Import 0 of 3 changes" })).toBeDisabled();
  await dialog.getByRole("button", { name: "Choose all" }).press("Enter");
  await box("PUT /zoo/apes").press("Space");
  await box("GET /zoo/apes/{id}").press("Space");
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Import 1 of 3 changes" }).press("Enter");
  await expect(page.getByText("1 of 3 changes of Zoo 1.0.3 made")).toBeVisible();

  await open();
  await expect(box("PUT /zoo/apes")).toBeChecked();
  await dialog.getByRole("button", { name: "Import 2 changes" }).click();
  await expect(page.getByRole("row", { name: /\/zoo\/apes/ })).toHaveCount(3);
});

test("endpoints are made of what traffic shows", async ({ page, request }) => {
  const { key } = await customer(page, [perMinute(1000)]);
  await expect.poll(() => statusOf(request, key)).toBe(200);
  for (const path of ["/zoo/visitors/7?badge=1", "/zoo/visitors/8", "/zoo/visitors"])
    expect((await send(request, path, key)).status()).toBe(200);
  await page.goto("/endpoints");
  const panel = page.getByRole("region", { name: "From traffic" });
  const visitor = panel.getByRole("row", { name: /GET \/zoo\/visitors\/\{visitorId\}/ });
  await expect(visitor).toBeVisible({ timeout: 40_000 });
  await expect(panel.getByRole("button", { name: "Create endpoints" })).toBeDisabled();
  await visitor.getByRole("checkbox").check();
  await panel.getByRole("checkbox", { name: "Select GET /zoo/visitors", exact: true }).check();
  expect(await violations(page)).toEqual([]);
  await panel.getByRole("button", { name: "Create 2 endpoints" }).click();
  const dialog = page.getByRole("dialog", { name: "Create endpoints from traffic" });
  const templates = dialog.getByRole("textbox", { name: "GET template" });
  await templates.first().fill("/zoo//visitors");
  await dialog.getByRole("button", { name: "Create 2 endpoints" }).click();
  await expect(dialog.getByText("leave out the empty segment")).toBeVisible();
  await templates.first().fill("/zoo/visitors/{badge}");
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Create 2 endpoints" }).click();
  await expect(page.getByText("2 endpoints are counted from now on")).toBeVisible();
  const all = page.getByRole("region", { name: "All endpoints" });
  await expect(all.getByRole("link", { name: "/zoo/visitors/{badge}" })).toBeVisible();
  await expect(all.getByRole("link", { name: "/zoo/visitors", exact: true })).toBeVisible();
  await expect(visitor).toBeHidden();
});
