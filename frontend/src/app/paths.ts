/** Every URL of the dashboard, without the query that all pages share. */
export const paths = {
  overview: "/",
  accounts: "/accounts",
  account: (id: string) => `/accounts/${encodeURIComponent(id)}`,
  tiers: "/tiers",
  newTier: "/tiers/new",
  tier: (id: string) => `/tiers/${encodeURIComponent(id)}`,
  limit: (id: string) => `/limits/${encodeURIComponent(id)}`,
  endpoints: "/endpoints",
  usage: "/usage",
  reconciliation: "/usage/reconciliation",
  denials: "/denials",
  audit: "/audit",
  settings: "/settings",
  signIn: "/sign-in",
  graphiql: "/graphiql",
} as const;
