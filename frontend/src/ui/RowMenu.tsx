import { Ellipsis } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useRef } from "react";
import { IconButton } from "./Button";

export const menuItemClass =
  "flex h-8 cursor-pointer items-center gap-2.5 rounded-control px-2 outline-none data-highlighted:bg-hover pointer-coarse:h-11";

export type Deed = {
  /** The verb. */
  label: string;
  onSelect: () => void;
  /** It takes something away for good, or cuts somebody off. */
  danger?: boolean;
};

/** What can be done with one row, behind one button. */
export function RowMenu({
  of,
  deeds,
}: {
  /** What the row is about, by name. */
  of: string;
  deeds: Deed[];
}) {
  const trigger = useRef<HTMLButtonElement>(null);
  const chosen = useRef<(() => void) | null>(null);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton ref={trigger} label={`Actions for ${of}`}>
          <Ellipsis aria-hidden className="size-4" />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          className="z-40 min-w-40 rounded-panel border border-line-strong bg-raised p-1.5"
          // A dialog that is opened gives the focus back to what had it: the
          // button, and so it is opened when the button has it again.
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            trigger.current?.focus();
            chosen.current?.();
            chosen.current = null;
          }}
        >
          {deeds.map(({ label, onSelect, danger }) => (
            <DropdownMenu.Item
              key={label}
              className={`${menuItemClass} ${danger ? "text-error" : ""}`}
              onSelect={() => {
                chosen.current = onSelect;
              }}
            >
              {label}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
