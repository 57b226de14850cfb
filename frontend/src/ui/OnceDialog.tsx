import { type ReactNode, useEffect, useRef, useState } from "react";
import { holdPage } from "~/api/session";
import { Button } from "./Button";
import { Copyable, toClipboard } from "./Copyable";
import { Dialog, DialogActions } from "./Dialog";
import { Notice } from "./states";

/**
 * Shows a secret the only time that it can be shown. Until it was copied, only the
 * button that says so closes it: Escape or a click beside it would lose it for good, and
 * so would the end of the session.
 */
export function OnceDialog({
  title,
  warning = "Copy it now. It is stored as a digest only, and can’t be shown again.",
  secret,
  copy,
  done = "I have kept it",
  children,
  onClose,
}: {
  title: string;
  /** Why to keep it now. */
  warning?: ReactNode;
  /** One text, or several that are kept together. */
  secret: string | string[];
  /** What the button to copy it says. */
  copy: string;
  done?: string;
  /** What it is used for. */
  children?: ReactNode;
  onClose: () => void;
}) {
  const [copied, setCopied] = useState(false);
  const [said, setSaid] = useState("");
  const out = useRef<HTMLButtonElement>(null);
  const several = Array.isArray(secret);
  useEffect(holdPage, []);
  const leave = () => {
    if (copied) return onClose();
    setSaid(`Copy ${several ? "them" : "it"} first, or choose “${done}”.`);
    out.current?.focus();
  };
  const copyAll = async (all: string[]) => {
    const kept = await toClipboard(all.join("\n"));
    setCopied(kept);
    setSaid(kept ? "Copied." : "The browser refused: select and copy them by hand.");
  };
  return (
    <Dialog title={title} onClose={leave} kept={!copied}>
      <div className="flex flex-col gap-3">
        <Notice kind="warning">{warning}</Notice>
        {several ? (
          <ul
            className="grid grid-cols-1 gap-1 font-mono text-small sm:grid-cols-2"
            aria-label={title}
          >
            {secret.map((one) => (
              <li key={one} className="select-all">
                {one}
              </li>
            ))}
          </ul>
        ) : (
          <Copyable
            text={secret}
            label={copy}
            autofocus
            onCopied={() => {
              setCopied(true);
              setSaid("");
            }}
          />
        )}
        {children && <p className="text-muted">{children}</p>}
        <p role="status" className="text-soft empty:hidden">
          {said}
        </p>
        <DialogActions>
          {several && (
            <Button data-autofocus onClick={() => copyAll(secret)}>
              {copy}
            </Button>
          )}
          <Button ref={out} kind="primary" onClick={onClose}>
            {done}
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}
