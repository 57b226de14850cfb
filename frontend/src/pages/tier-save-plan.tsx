import { Button } from "~/ui/Button";
import { plural } from "~/ui/format";
import { consequences } from "./tier-consequences";
import type { EditedTier } from "./tier-details";
import type { TierDraft } from "./tier-form";

const mostLines = 6;

/** Says what was changed before it is saved or published, and how that is done. */
export function SavePlan({
  draft,
  base,
  dirty,
  continuing,
  publication,
  invalid,
  busy,
  onUndo,
  onLeaveDraft,
  onSaveDraft,
  onTry,
}: {
  draft: TierDraft;
  base: EditedTier | null;
  /** Changed since it was saved, published or loaded. */
  dirty: boolean;
  /** It is the tier's draft that is edited. */
  continuing: boolean;
  /** It takes a new version. */
  publication: boolean;
  invalid: boolean;
  busy: boolean;
  onUndo: () => void;
  onLeaveDraft: () => void;
  onSaveDraft: () => void;
  /** Asks on which accounts it is tried. */
  onTry: () => void;
}) {
  const lines = invalid || !base ? [] : consequences(draft, base);
  return (
    <div
      className={`panel z-10 flex flex-wrap items-center gap-3 px-4 py-3 ${dirty || publication ? "md:sticky md:bottom-3" : ""}`}
    >
      <div className="min-w-0 grow basis-72">
        {invalid ? (
          <p className="text-error">Some fields need another look.</p>
        ) : dirty || publication ? (
          <>
            <p className="font-medium">{plan(base, publication)}</p>
            <ul className="mt-1 text-muted">
              {lines.slice(0, mostLines).map((line) => (
                <li key={line}>{line}</li>
              ))}
              {lines.length > mostLines && <li>and {lines.length - mostLines} more</li>}
            </ul>
          </>
        ) : (
          <p className="text-muted">
            {base ? `${plural(base.accountCount, "account")} on this tier. No changes yet.` : ""}
          </p>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        {dirty && base && <Button onClick={onUndo}>Undo changes</Button>}
        {continuing && !dirty && base && (
          <Button onClick={onLeaveDraft}>Back to version {base.version.number}</Button>
        )}
        {dirty && publication && (
          <Button busy={busy} onClick={onSaveDraft}>
            {base?.draft && !continuing ? "Replace the draft" : "Save draft"}
          </Button>
        )}
        {publication && base && base.accountCount > base.defaultAccountCount && (
          <Button onClick={onTry}>Try on some…</Button>
        )}
        <Button
          type="submit"
          kind="primary"
          busy={busy}
          disabled={base !== null && !dirty && !publication}
        >
          {base === null ? "Create tier" : dirty && !publication ? "Save changes" : "Publish…"}
        </Button>
      </div>
    </div>
  );
}

function plan(base: EditedTier | null, publication: boolean): string {
  if (base === null) return "Applies to no account until you put one on it.";
  if (!publication) return "Saved for all at once; no limit changes what it does.";
  const next = `Version ${(base.version.number ?? 0) + 1}, not published yet.`;
  if (base.accountCount === 0) return `${next} No account is on this tier.`;
  return `${next} ${plural(base.accountCount, "account")} on this tier: you say which of them move, and when.`;
}
