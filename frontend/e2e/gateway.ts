import type { APIRequestContext, Locator, Page } from "@playwright/test";

const gateway = process.env.WEIR_GATEWAY_URL ?? "";

/** One request through Envoy. */
export function send(
  request: APIRequestContext,
  path = "/hello",
  key = "demo-basic",
  method = "GET",
) {
  return request.fetch(gateway + path, {
    method,
    headers: { "x-api-key": key },
    failOnStatusCode: false,
  });
}

/** The status that a request through Envoy is answered with. */
export async function statusOf(request: APIRequestContext, key: string, path = "/hello") {
  return (await send(request, path, key)).status();
}

/** Sends until a request is refused; that answer. */
export async function sendUntilDenied(request: APIRequestContext, key: string, most: number) {
  for (let i = 0; i < most; i++) {
    const answer = await send(request, "/hello", key);
    if (answer.status() === 429) return answer;
  }
  throw new Error(`${most} requests were let through`);
}

/** Asks the API as the page's session, as the dashboard itself does. */
export async function ask<T>(page: Page, query: string, variables = {}): Promise<T> {
  const response = await page.request.post("/graphql", { data: { query, variables } });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const limitFields = `id name subject selector endpoint { id } group { id } measure kind amount
  period burst mode gracePercent graceSeconds failMode refundErrors
  adaptive { errorPercent slowMs slowPercent floorPercent }`;

type Limit = {
  id: string;
  name: string;
  subject: string;
  selector: string;
  endpoint: { id: string } | null;
  group: { id: string } | null;
  measure: string;
  kind: string;
  mode: string;
  burst: number | null;
};
export type Tier = { id: string; name: string; limits: Limit[] };

export async function tiers(page: Page): Promise<Tier[]> {
  const data = await ask<{ tiers: { nodes: Tier[] } }>(
    page,
    `{ tiers(first: 1000) { nodes { id name limits { ${limitFields} } } } }`,
  );
  return data.tiers.nodes;
}

export async function tierNamed(page: Page, name: string): Promise<Tier> {
  const tier = (await tiers(page)).find((t) => t.name === name);
  if (!tier) throw new Error(`there is no tier ${name}; the demo creates it`);
  return tier;
}

/** Puts a tier back as it was, for the next run. */
export async function restore(page: Page, tier: Tier) {
  const limits = tier.limits.map(({ endpoint, group, burst, ...limit }) => ({
    ...limit,
    ...(burst !== null && { burst }),
    ...(endpoint && { endpointId: endpoint.id }),
    ...(group && { groupId: group.id }),
  }));
  await ask(page, "mutation($i: UpdateTierInput!) { updateTier(input: $i) { snapshot } }", {
    i: { id: tier.id, name: tier.name, limits },
  });
}

/** Chooses an action in the menu of a row. */
export async function act(row: Locator, name: string, action: string) {
  await row.getByRole("button", { name: `Actions for ${name}`, exact: true }).click();
  await row.page().getByRole("menuitem", { name: action, exact: true }).click();
}

let made = 0;
/** A name that no other test uses. */
export const fresh = (what: string) => `${what} ${Date.now().toString(36)}${++made}`;

export type Customer = { tierId: string; accountId: string; name: string; key: string };

/** An account of its own, on a tier of its own, with a key. */
export async function customer(page: Page, limits: object[]): Promise<Customer> {
  const name = fresh("Customer");
  const { createTier } = await ask<{ createTier: { tier: { id: string } } }>(
    page,
    "mutation($i: CreateTierInput!) { createTier(input: $i) { tier { id } } }",
    { i: { name: fresh("Tier"), limits } },
  );
  const tierId = createTier.tier.id;
  const { createAccount } = await ask<{ createAccount: { account: { id: string } } }>(
    page,
    "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } } }",
    { i: { name, tierId } },
  );
  const accountId = createAccount.account.id;
  const { createKey } = await ask<{ createKey: { secret: string } }>(
    page,
    "mutation($i: CreateKeyInput!) { createKey(input: $i) { secret } }",
    { i: { accountId, name: "production" } },
  );
  return { tierId, accountId, name, key: createKey.secret };
}

/** A limit of so many requests a minute, and what else is said. */
export const perMinute = (amount: number, own: object = {}) => ({
  name: "per-minute",
  amount,
  period: "MINUTE",
  ...own,
});
