import { render, screen } from "@testing-library/react";
import { Client, fetchExchange, Provider } from "urql";
import { expect, it } from "vitest";
import { NoRequests } from "./NoRequests";

function shownTo(viewer: object) {
  const client = new Client({
    url: "http://localhost/graphql",
    exchanges: [fetchExchange],
    fetch: async () => Response.json({ data: { viewer: { permissions: [], ...viewer } } }),
    preferGetMethod: false,
  });
  render(
    <Provider value={client}>
      <NoRequests title="No requests in this time" />
    </Provider>,
  );
}
const command = () => screen.queryByText("make demo-traffic");

it("tells whoever tries Weir the demo’s command", async () => {
  shownTo({ development: true, account: null });
  expect(await screen.findByText("make demo-traffic")).toBeTruthy();
});

it("tells whoever runs Weir how to add it to an Envoy", async () => {
  shownTo({ development: false, account: null });
  expect(await screen.findByText(/docs\/install\.md/)).toBeTruthy();
  expect(command()).toBeNull();
});

it("tells customers of their keys only", async () => {
  shownTo({ development: false, account: { id: "acc_1", name: "Acme" } });
  expect(await screen.findByText(/one of your keys/)).toBeTruthy();
  expect(screen.queryByText(/docs\/install\.md/)).toBeNull();
  expect(command()).toBeNull();
});
