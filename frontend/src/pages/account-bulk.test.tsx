import { fireEvent, render, screen } from "@testing-library/react";
import { Client, fetchExchange, Provider } from "urql";
import { expect, it } from "vitest";
import { ToastProvider } from "~/ui/Toast";
import { BulkBar } from "./account-bulk";

const report = {
  matched: 2,
  changed: 2,
  unchanged: 0,
  failed: 0,
  outcomes: [],
  hasNextPage: false,
  endCursor: null,
};

it("carries out nothing but what was shown", async () => {
  const asked: Array<{ set: object; dryRun: boolean }> = [];
  const answers: Array<() => void> = [];
  const client = new Client({
    url: "http://localhost/graphql",
    exchanges: [fetchExchange],
    preferGetMethod: false,
    fetch: async (_, init) => {
      asked.push(JSON.parse(String(init?.body)).variables.input);
      await new Promise<void>((answer) => answers.push(answer));
      return Response.json({ data: { changeAccounts: report } });
    },
  });
  render(
    <Provider value={client}>
      <ToastProvider>
        <BulkBar
          selected={new Set(["acc_1", "acc_2"])}
          filter={{}}
          matching={2}
          filtered={false}
          tiers={[]}
          onClear={() => {}}
        />
      </ToastProvider>
    </Provider>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Change selected" }));
  fireEvent.change(screen.getByLabelText("Add labels"), { target: { value: "harmless=1" } });
  fireEvent.click(screen.getByRole("button", { name: "See what will happen" }));
  await expect.poll(() => answers.length).toBe(1);
  // While it is looked at, the form asks for something else.
  fireEvent.change(screen.getByLabelText("Status"), { target: { value: "CLOSED" } });
  answers[0]?.();
  const look = () => screen.getByRole("button", { name: "See what will happen" });
  await expect.poll(() => look().getAttribute("aria-busy")).toBe(null);
  fireEvent.click(look());
  await expect.poll(() => asked.length).toBe(2);
  expect(asked.map((a) => a.dryRun)).toEqual([true, true]);
  answers[1]?.();
  fireEvent.click(await screen.findByRole("button", { name: "Change 2 accounts" }));
  await expect.poll(() => asked.length).toBe(3);
  expect(asked[2]).toMatchObject({ dryRun: false, set: asked[1]?.set });
});
