import { render, screen } from "@testing-library/react";
import { Client, fetchExchange, Provider } from "urql";
import { expect, it } from "vitest";
import { ToastProvider } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { AccountActions } from "./account-actions";
import { AccountIdentities } from "./account-identities";
import { AccountKeys } from "./account-keys";
import { AccountOverrides } from "./account-overrides";

const page = { pageInfo: { hasNextPage: false, endCursor: null }, totalCount: 0, nodes: [] };
const identity = { id: "idn_1", kind: "CERTIFICATE", value: "acme", issuer: "", createdAt: "2026" };

function show(status: AccountDetails["status"]) {
  const client = new Client({
    url: "http://localhost/graphql",
    exchanges: [fetchExchange],
    fetch: () => new Promise(() => {}),
    preferGetMethod: false,
  });
  const account = { id: "acc_1", name: "Acme", status, overrides: { nodes: [] } };
  const identities = { ...page, totalCount: 1, nodes: [identity] } as AccountDetails["identities"];
  const closed = status === "CLOSED";
  render(
    <Provider value={client}>
      <ToastProvider>
        <AccountActions
          account={account as unknown as AccountDetails}
          tiers={[]}
          reload={() => {}}
        />
        <AccountOverrides account={account as unknown as AccountDetails} />
        <AccountKeys
          accountId="acc_1"
          accountName="Acme"
          keys={page}
          closed={closed}
          reload={() => {}}
        />
        <AccountIdentities accountId="acc_1" identities={identities} closed={closed} />
      </ToastProvider>
    </Provider>,
  );
  return screen
    .getAllByRole("button")
    .map((b) => b.getAttribute("aria-label") ?? b.textContent)
    .filter((name) => !["Limit", "Kind", "Name", "Added"].includes(name ?? ""));
}

it("offers nothing for a closed account that it would be refused", () => {
  expect(show("CLOSED").sort()).toEqual(["Adjust usage", "Change status"]);
  expect(screen.queryByText(/“Override” beside a limit/)).toBeNull();
});

it("offers each thing once for an account without keys", () => {
  expect(show("ACTIVE").sort()).toEqual([
    "Adjust usage",
    "Change status",
    "Change tier",
    "New identity",
    "New key",
    "Remove acme",
    "Reset counters",
    "Settings",
  ]);
});
