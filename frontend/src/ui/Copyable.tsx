import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./Button";

/** Copies a text; false when the browser refuses, as it does on a page without TLS. */
export async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A short text in a box, with a button that copies it. */
export function Copyable({
  text,
  label = "Copy",
  autofocus = false,
  onCopied,
}: {
  text: string;
  label?: string;
  /** Where the focus begins, in a dialog. */
  autofocus?: boolean;
  onCopied?: () => void;
}) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle");
  const copy = async () => {
    const copied = await toClipboard(text);
    setState(copied ? "copied" : "refused");
    if (copied) onCopied?.();
  };
  return (
    <span className="inline-flex max-w-full items-center gap-1 rounded-control border border-line bg-ground pl-2.5">
      <code className="min-w-0 py-1 font-mono text-small break-all select-all">{text}</code>
      <IconButton
        label={state === "copied" ? "Copied" : label}
        data-autofocus={autofocus || undefined}
        onClick={copy}
      >
        {state === "copied" ? (
          <Check aria-hidden className="size-4 text-allowed" />
        ) : (
          <Copy aria-hidden className="size-4" />
        )}
      </IconButton>
      <span role="status" className="sr-only">
        {state === "copied" && "Copied"}
      </span>
      {state === "refused" && (
        <span role="alert" className="pr-2 text-small text-error">
          Select and copy it by hand
        </span>
      )}
    </span>
  );
}
