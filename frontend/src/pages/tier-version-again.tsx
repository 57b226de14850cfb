import { useMutation } from "urql";
import { faultsOf } from "~/api/errors";
import { diffLimits } from "~/limit/diff";
import type { Version } from "./TierVersions";
import type { EditedTier } from "./tier-details";
import { PublishDialog } from "./tier-publish";
import { PublishTier } from "./tier-publish-mutations";
import type { Change } from "./tier-rollout";

/** Publishes the limits of an earlier version as a new one. */
export function PublishAgain({
  tier,
  version,
  onPublished,
  onStale,
  onClose,
}: {
  tier: EditedTier;
  version: Version;
  onPublished: (change: Change) => void;
  /** Somebody else changed the tier meanwhile: it has to be read again. */
  onStale: () => void;
  onClose: () => void;
}) {
  const [, publishTier] = useMutation(PublishTier);
  return (
    <PublishDialog
      tier={tier}
      diffs={diffLimits(tier.limits, version.limits)}
      what={`The limits of version ${version.number}, published again as a new version. Nothing of the history is lost.`}
      note={`Back to version ${version.number}`}
      publish={async ({ note, move }) => {
        const sentMS = performance.now();
        const { data, error } = await publishTier({
          input: {
            tierId: tier.id,
            revision: tier.revision,
            fromVersion: version.number,
            note,
            move,
          },
        });
        if (error && faultsOf(error, () => false).stale) onStale();
        if (data) onPublished({ snapshot: data.publishTier.snapshot, sentMS });
        return error ?? null;
      }}
      onClose={onClose}
    />
  );
}
