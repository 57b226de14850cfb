import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Client, fetchExchange, Provider } from "urql";
import { expect, it, vi } from "vitest";
import type { Limit } from "~/limit/fields";
import { ToastProvider } from "~/ui/Toast";
import { OverrideDialog } from "./account-override-dialog";
import type { SavedOverride } from "./account-override-form";

const limit: Limit = {
  id: "lim_1",
  name: "hourly",
  subject: "ACCOUNT",
  selector: "ALL",
  endpoint: null,
  group: null,
  measure: "REQUESTS",
  kind: "RATE",
  amount: 1_000,
  period: "HOUR",
  burst: 1_200,
  mode: "ENFORCE",
  gracePercent: null,
  graceSeconds: null,
  failMode: "OPEN",
  refundErrors: false,
  adaptive: null,
};
const daily: Limit = { ...limit, id: "lim_2", name: "daily", period: "DAY", burst: 1_000 };
const saved: Record<string, SavedOverride> = {
  lim_1: { amount: 5_000, burst: 5_000, mode: null, until: "2099-01-02T12:34:56Z", note: "old" },
  lim_2: { amount: 7_000, burst: null, mode: "SHADOW", until: null, note: "" },
};

function open(
  answer = vi.fn<typeof fetch>(async () =>
    Response.json({ data: { setOverride: { snapshot: 2, account: { id: "acc_1" } } } }),
  ),
) {
  const client = new Client({
    url: "http://localhost/graphql",
    exchanges: [fetchExchange],
    fetch: answer,
    preferGetMethod: false,
  });
  render(
    <Provider value={client}>
      <ToastProvider>
        <OverrideDialog
          accountId="acc_1"
          accountName="Acme"
          limits={[limit, daily]}
          limit={limit}
          savedOf={(l) => saved[l.id] ?? null}
          revisionOf={(l) => (l.id === "lim_1" ? 4 : 0)}
          onClose={() => {}}
        />
      </ToastProvider>
    </Provider>,
  );
  const replace = async () => {
    await userEvent.click(screen.getByRole("button", { name: "Replace override" }));
    await waitFor(() => expect(answer).toHaveBeenCalledTimes(1));
    return JSON.parse(String(answer.mock.calls[0]?.[1]?.body)).variables.input;
  };
  return replace;
}

it("sends an override back as it came, but for the note that was edited", async () => {
  const replace = open();
  const note = screen.getByLabelText("Note");
  await userEvent.clear(note);
  await userEvent.type(note, "new");
  expect(await replace()).toEqual({
    accountId: "acc_1",
    limitId: "lim_1",
    revision: 4,
    amount: 5_000,
    burst: 5_000,
    until: "2099-01-02T12:34:56Z",
    note: "new",
  });
});

it("begins with the other limit's override when another limit is chosen", async () => {
  const replace = open();
  await userEvent.selectOptions(screen.getByLabelText("Instead of"), "lim_2");
  expect(await replace()).toEqual({
    accountId: "acc_1",
    limitId: "lim_2",
    revision: 0,
    amount: 7_000,
    mode: "SHADOW",
    note: "",
  });
});

it("shows what somebody else changed, and keeps what was typed until it is said whose is to be", async () => {
  const extensions = {
    code: "CONFLICT",
    field: "revision",
    revision: 9,
    changed: [{ path: "amount", before: 5_000, after: 6_000 }],
    changedBy: "Ada",
    changedAt: "2026-01-02T12:34:56Z",
  };
  const answer = vi
    .fn<typeof fetch>()
    .mockResolvedValueOnce(
      Response.json({ data: null, errors: [{ message: "stale", extensions }] }),
    )
    .mockResolvedValueOnce(
      Response.json({ data: { setOverride: { snapshot: 2, account: { id: "acc_1" } } } }),
    );
  const replace = open(answer);
  await userEvent.type(screen.getByLabelText("Note"), "er");
  expect(await replace()).toMatchObject({ revision: 4, note: "older" });
  const dialog = await screen.findByRole("dialog", { name: /Somebody else changed the override/ });
  expect(dialog.textContent).toContain("Ada changed it");
  await userEvent.click(screen.getByRole("button", { name: "Put mine on top" }));
  await waitFor(() => expect(answer).toHaveBeenCalledTimes(2));
  expect(JSON.parse(String(answer.mock.calls[1]?.[1]?.body)).variables.input).toMatchObject({
    revision: 9,
    note: "older",
  });
});
