import type { FormEvent, ReactNode } from "react";
import { Button } from "./Button";
import { Dialog, DialogActions, stay } from "./Dialog";

/**
 * A dialog that is a form: fields, what was refused, Cancel and the verb. While it is
 * under way it stays: what was sent can't be taken back, and its answer may be shown
 * only once.
 */
export function FormDialog({
  title,
  submit,
  busy,
  disabled = false,
  errors = [],
  wide = false,
  onSubmit,
  onClose,
  children,
}: {
  title: string;
  /** What the button says: the verb. */
  submit: string;
  busy: boolean;
  disabled?: boolean;
  /** What belongs to no field. */
  errors?: string[] | undefined;
  wide?: boolean;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!busy && !disabled) onSubmit();
  };
  return (
    <Dialog title={title} wide={wide} kept={busy} onClose={busy ? stay : onClose}>
      <form onSubmit={send} className="flex flex-col gap-3">
        {children}
        {errors.map((message) => (
          <p key={message} role="alert" className="text-error">
            {message}
          </p>
        ))}
        <DialogActions>
          <Button disabled={busy} onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" busy={busy} disabled={disabled}>
            {submit}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
