import type { ReactNode } from "react";
import { plural } from "~/ui/format";
import type { EditedTier } from "./TierEdit";
import { consequences } from "./tier-consequences";
import { blank, type TierDraft } from "./tier-form";

const mostLines = 6;

/** Says what saving will do before it is done. */
export function SavePlan({
  draft,
  base,
  dirty,
  invalid,
  actions,
}: {
  draft: TierDraft;
  base: EditedTier | null;
  dirty: boolean;
  invalid: boolean;
  actions: ReactNode;
}) {
  const lines = invalid ? [] : consequences(draft, base ?? blank);
  return (
    <div
      className={`panel z-10 flex flex-wrap items-center gap-3 px-4 py-3 ${dirty ? "md:sticky md:bottom-3" : ""}`}
    >
      <div className="min-w-0 grow basis-72">
        {invalid ? (
          <p className="text-error">Some fields need another look.</p>
        ) : dirty ? (
          <>
            <p className="font-medium">{reach(base)}</p>
            <ul className="mt-1 text-muted">
              {base && lines.slice(0, mostLines).map((line) => <li key={line}>{line}</li>)}
              {base && lines.length > mostLines && <li>and {lines.length - mostLines} more</li>}
            </ul>
          </>
        ) : (
          <p className="text-muted">
            {base ? `${plural(base.accountCount, "account")} on this tier. No changes yet.` : ""}
          </p>
        )}
      </div>
      <div className="flex flex-wrap gap-2">{actions}</div>
    </div>
  );
}

function reach(base: EditedTier | null): string {
  if (base === null) return "Applies to no account until you put one on it.";
  if (base.accountCount === 0) return "Applies to no account yet.";
  return `Applies to ${plural(base.accountCount, "account")}; reaches every Envoy in about a second.`;
}
