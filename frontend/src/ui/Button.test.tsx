import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Button } from "./Button";

it("keeps the focus while it is busy, and does nothing when it is pressed again", async () => {
  const press = vi.fn();
  const submit = vi.fn((event: { preventDefault: () => void }) => event.preventDefault());
  const button = (busy: boolean) => (
    <form onSubmit={submit}>
      <Button type="submit" busy={busy} onClick={press}>
        Verify
      </Button>
    </form>
  );
  const { rerender } = render(button(false));
  await userEvent.click(screen.getByRole("button"));
  rerender(button(true));
  await userEvent.click(screen.getByRole("button", { busy: true }));
  await userEvent.keyboard("{Enter}");
  expect(document.activeElement).toBe(screen.getByRole("button"));
  expect(press).toHaveBeenCalledTimes(1);
  expect(submit).toHaveBeenCalledTimes(1);
});
