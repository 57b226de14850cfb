import { type ComponentProps, type ReactNode, useState } from "react";

type Kind = "primary" | "plain" | "quiet" | "danger";

const kinds: Record<Kind, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover",
  plain: "border border-line-strong bg-surface hover:bg-hover",
  quiet: "text-muted hover:bg-hover hover:text-ink",
  danger: "bg-error text-on-error hover:opacity-90",
};

const base =
  "inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-control px-3 font-medium whitespace-nowrap disabled:opacity-50 aria-disabled:opacity-50 pointer-coarse:h-10";

/** The look of a button, for links that act like one. */
export const buttonClass = (kind: Kind = "plain") => `${base} ${kinds[kind]}`;

type Props = ComponentProps<"button"> & {
  kind?: Kind;
  /** Work is under way: the button stays in place, and can't be pressed again. */
  busy?: boolean;
  icon?: ReactNode;
};

export function Button({ kind = "plain", busy, icon, className = "", children, ...props }: Props) {
  const [focused, setFocused] = useState(false);
  // Not disabled while it has the focus: that would take it away from whoever pressed it.
  // A form's own button gets the focus back from dialogs, which may come a moment later.
  const inert = busy || (props.disabled && (focused || props.type === "submit"));
  return (
    <button
      type="button"
      {...props}
      disabled={props.disabled && !inert}
      aria-busy={busy || undefined}
      aria-disabled={inert || undefined}
      onClick={inert ? (event) => event.preventDefault() : props.onClick}
      onFocus={(event) => {
        setFocused(true);
        props.onFocus?.(event);
      }}
      onBlur={(event) => {
        setFocused(false);
        props.onBlur?.(event);
      }}
      className={`${buttonClass(kind)} ${className}`}
    >
      {busy ? <Spinner /> : icon}
      {children}
    </button>
  );
}

/** A square button that shows an icon only; `label` is its name. */
export function IconButton({
  label,
  className = "",
  children,
  ...props
}: ComponentProps<"button"> & {
  label: string;
  "data-autofocus"?: boolean | undefined;
  "data-move"?: number;
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...props}
      className={`inline-flex size-8 shrink-0 items-center justify-center rounded-control text-muted hover:bg-hover hover:text-ink disabled:opacity-50 pointer-coarse:size-10 ${className}`}
    >
      {children}
    </button>
  );
}

function Spinner() {
  return (
    <span
      aria-hidden
      className="size-3.5 animate-spin rounded-full border-2 border-current border-r-transparent"
    />
  );
}
