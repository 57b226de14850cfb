import type { Stale } from "~/api/errors";
import { DiffTable } from "~/limit/DiffTable";
import { diffLimits, isDifferent } from "~/limit/diff";
import { StaleDialog } from "~/ui/StaleDialog";
import { Loading, Skeleton } from "~/ui/states";
import type { EditedTier } from "./tier-details";

/** Somebody else changed the tier that is being edited: what, and whose edit is to be. */
export function TierStaleDialog({
  stale,
  base,
  latest,
  onTheirs,
  onMine,
  onClose,
}: {
  stale: Stale;
  /** What the edit is based on. */
  base: EditedTier;
  /** As it is now, once it has been read again. */
  latest: EditedTier;
  onTheirs: () => void;
  onMine: () => void;
  onClose: () => void;
}) {
  const read = latest.revision !== base.revision;
  const published = latest.version.id === base.version.id ? null : latest.version;
  return (
    <StaleDialog
      what="this tier"
      stale={{
        ...stale,
        by: stale.by ?? published?.publishedBy?.name ?? null,
        at: stale.at ?? published?.publishedAt ?? null,
      }}
      changes={
        read ? (
          <WhatChanged base={base} latest={latest} />
        ) : (
          <Loading what="what was changed">
            <Skeleton className="h-20 w-full" />
          </Loading>
        )
      }
      mine="keeps what you typed, on top of theirs; you see what it changes before it is published."
      busy={!read}
      onTheirs={onTheirs}
      onMine={onMine}
      onClose={onClose}
    />
  );
}

function WhatChanged({ base, latest }: { base: EditedTier; latest: EditedTier }) {
  const diffs = diffLimits(base.limits, latest.limits);
  const lines = [
    ...(base.name === latest.name ? [] : [`It was ${base.name}, and is ${latest.name} now.`]),
    ...(base.version.id === latest.version.id
      ? []
      : [
          `Version ${latest.version.number} was published${latest.version.note && `: ${latest.version.note}`}.`,
        ]),
    ...draftLines(base, latest),
  ];
  return (
    <>
      {lines.length > 0 && (
        <ul aria-label="What they changed">
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {isDifferent(diffs) && (
        <div className="overflow-hidden rounded-control border border-line pt-1">
          <DiffTable diffs={diffs} before="When you opened it" after="Now" maxHeight="max-h-60" />
        </div>
      )}
      {lines.length === 0 && !isDifferent(diffs) && <p>The order of its limits was changed.</p>}
    </>
  );
}

function draftLines({ draft: before }: EditedTier, { draft: after }: EditedTier): string[] {
  if (before?.createdAt === after?.createdAt) return [];
  if (after === null) return ["The draft was published or thrown away."];
  return [`${after.savedBy?.name ?? "Somebody"} saved a draft.`];
}
