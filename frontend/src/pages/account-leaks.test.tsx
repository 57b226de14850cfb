import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Client, fetchExchange, Provider } from "urql";
import { expect, it, vi } from "vitest";
import { ToastProvider } from "~/ui/Toast";
import { LeaksButton } from "./account-leaks";

type Sent = { secrets: string[]; revoke: boolean };

/** A control plane that knows every secret, and answers a report when it is let. */
function controlPlane() {
  const reports: Array<{ sent: Sent; answer: () => void }> = [];
  const fetch = vi.fn<typeof globalThis.fetch>(async (_, init) => {
    const { query, variables } = JSON.parse(String(init?.body));
    if (!query.includes("reportLeakedKeys")) return Response.json({ data: { viewer: null } });
    const sent: Sent = variables.input;
    await new Promise<void>((answer) => reports.push({ sent, answer }));
    const leaks = sent.secrets.map((secret, index) => ({
      index,
      revoked: sent.revoke,
      key: {
        id: `key_${secret}`,
        name: secret,
        prefix: secret,
        status: sent.revoke ? "REVOKED" : "LIVE",
        account: { id: "acc_1", name: "Acme" },
      },
    }));
    return Response.json({ data: { reportLeakedKeys: { leaks } } });
  });
  return { fetch, reports };
}

it("revokes what was looked at and nothing else, though the text is changed meanwhile", async () => {
  const { fetch, reports } = controlPlane();
  const client = new Client({
    url: "http://localhost/graphql",
    exchanges: [fetchExchange],
    fetch,
    preferGetMethod: false,
  });
  render(
    <Provider value={client}>
      <ToastProvider>
        <LeaksButton />
      </ToastProvider>
    </Provider>,
  );
  const asked = async (count: number) => {
    await waitFor(() => expect(reports).toHaveLength(count));
    return reports[count - 1] ?? { sent: null, answer: () => {} };
  };
  await userEvent.click(screen.getByRole("button", { name: "Leaked keys" }));
  const text = screen.getByLabelText("Text with secrets");
  await userEvent.type(text, "first");
  await userEvent.click(screen.getByRole("button", { name: "Find keys" }));
  const early = await asked(1);
  await userEvent.type(text, "{Enter}second");
  early.answer();
  // What was found is of another text: it has to be looked at again.
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "Find keys" }).getAttribute("aria-busy")).toBeNull(),
  );
  expect(screen.queryByRole("region", { name: "Keys found" })).toBeNull();

  await userEvent.click(screen.getByRole("button", { name: "Find keys" }));
  const found = await asked(2);
  expect(found.sent).toEqual({ secrets: ["first", "second"], revoke: false });
  found.answer();
  await userEvent.click(await screen.findByRole("button", { name: "Revoke 2 keys for good" }));
  const revoking = await asked(3);
  await userEvent.type(text, "{Enter}third");
  revoking.answer();
  expect(await screen.findByText("2 keys revoked")).toBeTruthy();
  expect(revoking.sent).toEqual({ secrets: ["first", "second"], revoke: true });
  expect(reports).toHaveLength(3);
});
