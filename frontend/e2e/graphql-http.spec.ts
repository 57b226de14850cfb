import { expect, test } from "@playwright/test";
import { auditServer } from "graphql-http";

test("the API passes the audit of GraphQL over HTTP", async ({ page }) => {
  await page.goto("/");
  const cookie = (await page.context().cookies())
    .map(({ name, value }) => `${name}=${value}`)
    .join("; ");
  const results = await auditServer({
    url: new URL("/graphql", page.url()).href,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...init.headers, cookie } }),
  });
  const failed = results
    .filter((r) => r.status === "error" || r.status === "warn")
    .map((r) => `${r.id} ${r.name}: ${"reason" in r ? r.reason : ""}`);
  expect(failed, "no MUST and no SHOULD fails").toEqual([]);
  expect(results.length).toBeGreaterThan(50);
});
