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

it("keeps the focus when it is disabled, does nothing then, and is out of the way once left", async () => {
  const press = vi.fn();
  const { rerender } = render(<Button onClick={press}>Save</Button>);
  const save = screen.getByRole<HTMLButtonElement>("button");
  await userEvent.tab();
  rerender(
    <Button disabled onClick={press}>
      Save
    </Button>,
  );
  await userEvent.keyboard("{Enter}");
  expect(document.activeElement).toBe(save);
  expect(save.getAttribute("aria-disabled")).toBe("true");
  expect(press).not.toHaveBeenCalled();
  await userEvent.tab();
  expect(save.disabled).toBe(true);
});
