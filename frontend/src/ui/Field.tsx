import { type ReactNode, useId } from "react";

type Wiring = {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
};

/** A label, its control, and beside it a hint or what is wrong with the value. */
export function Field({
  label,
  hint,
  error,
  hideLabel = false,
  children,
  className = "",
}: {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** In a grid whose column heads carry the label already. */
  hideLabel?: boolean;
  children: (field: Wiring) => ReactNode;
  className?: string;
}) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className}`}>
      <label htmlFor={id} className={hideLabel ? "sr-only" : "font-medium"}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": note ? noteId : undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {note && (
        <p id={noteId} className={`text-small ${error ? "text-error" : "text-faint"}`}>
          {note}
        </p>
      )}
    </div>
  );
}
