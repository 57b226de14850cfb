import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { OnceDialog } from "./OnceDialog";

function open(secret: string | string[]) {
  const onClose = vi.fn();
  render(
    <OnceDialog title="The new key" secret={secret} copy="Copy" onClose={onClose}>
      What it is for.
    </OnceDialog>,
  );
  return onClose;
}
const out = () => screen.getByRole("button", { name: "I have kept it" });

describe("a secret that is shown once", () => {
  it("stays through Escape, a click beside it and the cross, and says the way out", async () => {
    const onClose = open("wk_live_1");
    const dialog = screen.getByRole("dialog");
    await userEvent.keyboard("{Escape}{Escape}");
    expect(document.activeElement).toBe(out());
    expect(screen.getByText("Copy it first, or choose “I have kept it”.")).toBeTruthy();
    fireEvent.mouseDown(dialog);
    await userEvent.click(screen.getByRole("button", { name: "Close" }));
    expect(screen.getByText("wk_live_1")).toBeTruthy();
    expect(onClose).not.toHaveBeenCalled();
    await userEvent.click(out());
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it("is opened again when the browser closed it by itself", () => {
    const onClose = open("wk_live_1");
    const dialog = screen.getByRole<HTMLDialogElement>("dialog");
    dialog.close();
    fireEvent(dialog, new Event("close"));
    expect(dialog.open).toBe(true);
    expect(onClose).not.toHaveBeenCalled();
  });

  it.each([
    ["one", "wk_live_1", "wk_live_1"],
    ["several", ["a", "b"], "a\nb"],
  ])("closes on Escape once %s was copied", async (_, secret, text) => {
    const onClose = open(secret);
    await userEvent.setup().click(screen.getByRole("button", { name: "Copy" }));
    await waitFor(async () => expect(await navigator.clipboard.readText()).toBe(text));
    fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));
    await waitFor(() => expect(onClose).toHaveBeenCalledTimes(1));
  });

  it("stays when the browser refuses to copy", async () => {
    const onClose = open(["a", "b"]);
    vi.stubGlobal("navigator", { ...navigator, clipboard: undefined });
    fireEvent.click(screen.getByRole("button", { name: "Copy" }));
    await screen.findByText("The browser refused: select and copy them by hand.");
    fireEvent.keyDown(screen.getByRole("dialog"), { key: "Escape" });
    expect(onClose).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
  });
});
