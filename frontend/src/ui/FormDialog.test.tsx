import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { FormDialog } from "./FormDialog";

function shown(busy: boolean) {
  const onClose = vi.fn();
  render(
    <FormDialog
      title="New key"
      submit="Create key"
      busy={busy}
      onSubmit={vi.fn()}
      onClose={onClose}
    >
      <p>Fields</p>
    </FormDialog>,
  );
  return onClose;
}

const pressEscape = () =>
  fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));

test("a form is left with Escape or Cancel", () => {
  const onClose = shown(false);
  pressEscape();
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(onClose).toHaveBeenCalledTimes(2);
});

test("a form that is under way stays until its answer is there", () => {
  const onClose = shown(true);
  pressEscape();
  fireEvent.keyDown(screen.getByRole("dialog"), { key: "Escape" });
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(onClose).not.toHaveBeenCalled();
});
