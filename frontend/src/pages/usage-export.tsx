import { FolderDown } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useRange } from "~/app/location";
import { exportFormats, exportPath } from "~/explore/export";
import type { Asked } from "~/explore/useQuestion";
import { buttonClass } from "~/ui/Button";

/** Takes all of the question's usage away, however much it is: not only what is drawn. */
export function ExportMenu({ asked }: { asked: Asked }) {
  const { from, to } = useRange();
  const { question, granularity, zone } = asked;
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <button type="button" className={buttonClass("quiet")}>
          <FolderDown aria-hidden className="size-4" />
          <span className="max-sm:sr-only">Export all</span>
        </button>
      </DropdownMenu.Trigger>
      {/* Inside the page's main part, where screen readers look for what belongs to it. */}
      <DropdownMenu.Portal container={document.getElementById("main")}>
        <DropdownMenu.Content
          align="end"
          aria-label="Every group and point of this question"
          sideOffset={6}
          collisionPadding={12}
          className="z-40 w-64 rounded-panel border border-line-strong bg-raised p-1.5"
        >
          {exportFormats.map(({ ending, label, note }) => (
            <DropdownMenu.Item key={ending} asChild>
              <a
                href={exportPath(question, ending, { from, to, granularity, zone })}
                download
                className="flex h-8 items-center gap-2 rounded-control px-2 outline-none data-highlighted:bg-hover pointer-coarse:h-11"
              >
                <span className="font-medium">{label}</span>
                <span className="ml-auto text-small text-faint">{note}</span>
              </a>
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
