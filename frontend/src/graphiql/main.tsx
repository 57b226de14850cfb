import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createClient } from "graphql-ws";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./graphiql.css";

const defaultQuery = `# Who sends the most?
query TopConsumers($from: Time!) {
  topConsumers(from: $from, first: 5) {
    account { name tier { name } }
    totals { requests throttled }
    share
  }
}
`;

const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
const scheme = location.protocol === "https:" ? "wss" : "ws";
const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  wsClient: createClient({ url: `${scheme}://${location.host}/graphql`, retryAttempts: 2 }),
});

const root = document.getElementById("graphiql");
if (!root) throw new Error("graphiql.html has no #graphiql");
createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={defaultQuery}
    variables={JSON.stringify({ from: anHourAgo }, null, 2)}
  />,
);
