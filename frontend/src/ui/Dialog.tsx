import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button, IconButton } from "./Button";
import { Field } from "./Field";

/** A modal dialog: the browser's own, which keeps focus inside and closes on Escape. */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  plain = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  /** Without the title bar; the title is only announced. */
  plain?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const close = useRef(onClose);
  close.current = onClose;

  useEffect(() => {
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
    dialog.addEventListener("cancel", onCancel);
    dialog.addEventListener("mousedown", onBackdrop);
    return () => {
      dialog.removeEventListener("cancel", onCancel);
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
        <div className={plain ? "sr-only" : "flex items-center gap-2 px-4 pt-3 pb-1"}>
          <h2 id={titleId} className="grow text-title font-semibold">
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
    <Dialog title={title} onClose={onClose}>
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
          <Button onClick={onClose}>Cancel</Button>
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
