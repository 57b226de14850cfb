import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import { Button, IconButton } from "./Button";
import { Field } from "./Field";

/** A modal dialog: the browser's own, which keeps focus inside and closes on Escape. */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  plain = false,
  kept = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  /** Without the title bar; the title is only announced. */
  plain?: boolean;
  /** Stays until it is taken out of the page, whatever is pressed: `onClose` only hears of it. */
  kept?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const close = useRef(onClose);
  close.current = onClose;
  const stays = useRef(kept);
  stays.current = kept;

  // Before it is taken out of the page: after that it could give the focus back no more.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    dialog.showModal();
    // Focus on the close button would be no help to anyone.
    dialog.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    const onCancel = (event: Event) => {
      event.preventDefault();
      close.current();
    };
    const onBackdrop = (event: MouseEvent) => {
      if (event.target === dialog) close.current();
    };
    // A browser lets a second Escape in a row close any dialog: it isn't to hear of one.
    const onKey = (event: KeyboardEvent) => {
      if (!stays.current || event.key !== "Escape") return;
      event.preventDefault();
      close.current();
    };
    const onClosed = () => {
      if (dialog.open) return;
      if (stays.current) dialog.showModal();
      close.current();
    };
    dialog.addEventListener("keydown", onKey);
    dialog.addEventListener("cancel", onCancel);
    dialog.addEventListener("close", onClosed);
    dialog.addEventListener("mousedown", onBackdrop);
    return () => {
      dialog.removeEventListener("keydown", onKey);
      dialog.removeEventListener("cancel", onCancel);
      dialog.removeEventListener("close", onClosed);
      dialog.removeEventListener("mousedown", onBackdrop);
      dialog.close();
    };
  }, []);

  return (
    <dialog
      ref={element}
      aria-labelledby={titleId}
      className={`m-auto max-h-[85dvh] w-[calc(100vw-2rem)] overflow-hidden rounded-panel border border-line-strong bg-raised p-0 text-ink ${wide ? "max-w-2xl" : "max-w-md"}`}
    >
      <div className="flex max-h-[85dvh] flex-col">
        <div className={plain ? "sr-only" : "flex items-start gap-2 px-4 pt-3 pb-1"}>
          <h2
            id={titleId}
            className="min-w-0 grow text-title font-semibold [overflow-wrap:anywhere]"
          >
            {title}
          </h2>
          {!plain && (
            <IconButton label="Close" onClick={onClose}>
              <X aria-hidden className="size-4" />
            </IconButton>
          )}
        </div>
        <div className={`min-h-0 overflow-y-auto ${plain ? "" : "px-4 pt-1 pb-4"}`}>{children}</div>
      </div>
    </dialog>
  );
}

/** What a dialog does with a wish to close it while it is under way. */
export const stay = () => {};

/** The buttons at the end of a dialog. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-4 flex flex-wrap justify-end gap-2">{children}</div>;
}

/** Asks before something with consequences; with `typed`, the name has to be typed in. */
export function Confirm({
  title,
  children,
  confirm,
  typed,
  danger = false,
  busy = false,
  error,
  onConfirm,
  onClose,
}: {
  title: string;
  children: ReactNode;
  /** What the button says: the verb. */
  confirm: string;
  typed?: string;
  danger?: boolean;
  busy?: boolean;
  error?: string | undefined;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const [text, setText] = useState("");
  const ready = typed === undefined || text === typed;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !busy) onConfirm();
  };
  return (
    <Dialog title={title} kept={busy} onClose={busy ? stay : onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <div className="flex flex-col gap-2 text-muted">{children}</div>
        {typed !== undefined && (
          <Field label={`Type “${typed}” to confirm`}>
            {(field) => (
              <input
                {...field}
                data-autofocus
                className="control w-full"
                autoComplete="off"
                spellCheck={false}
                value={text}
                onChange={(e) => setText(e.target.value)}
              />
            )}
          </Field>
        )}
        {error && (
          <p role="alert" className="text-error">
            {error}
          </p>
        )}
        <DialogActions>
          <Button disabled={busy} onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            kind={danger ? "danger" : "primary"}
            disabled={!ready}
            busy={busy}
            data-autofocus={typed === undefined || undefined}
          >
            {confirm}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
