import type { APIRequestContext, Page } from "@playwright/test";

const gateway = process.env.WEIR_GATEWAY_URL ?? "";

/** One request through Envoy. */
export function send(request: APIRequestContext, path = "/hello", key = "demo-basic") {
  return request.get(gateway + path, { headers: { "x-api-key": key }, failOnStatusCode: false });
}

/** Asks the API as the page's session, as the dashboard itself does. */
export async function ask<T>(page: Page, query: string, variables = {}): Promise<T> {
  const response = await page.request.post("/graphql", { data: { query, variables } });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

type Limit = {
  id: string;
  name: string;
  amount: number;
  period: string;
  burst: number;
  endpoint: { id: string } | null;
};
export type Tier = { id: string; name: string; limits: Limit[] };

export async function tierNamed(page: Page, name: string): Promise<Tier> {
  const { tiers } = await ask<{ tiers: Tier[] }>(
    page,
    "{ tiers { id name limits { id name amount period burst endpoint { id } } } }",
  );
  const tier = tiers.find((t) => t.name === name);
  if (!tier) throw new Error(`there is no tier ${name}; the demo creates it`);
  return tier;
}

/** Puts a tier back as it was, for the next run. */
export async function restore(page: Page, tier: Tier) {
  const limits = tier.limits.map(({ endpoint, ...limit }) => ({
    ...limit,
    ...(endpoint && { endpointId: endpoint.id }),
  }));
  await ask(page, "mutation($i: UpdateTierInput!) { updateTier(input: $i) { snapshot } }", {
    i: { id: tier.id, name: tier.name, limits },
  });
}
