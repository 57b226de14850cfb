import { useState } from "react";
import { useMutation } from "urql";
import { explain, type Faults, faultsOf } from "~/api/errors";
import { useNow } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Notice } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";
import type { EditedTier } from "./tier-details";
import { DiscardTierDraft } from "./tier-publish-mutations";

/** A draft is kept: whose, since when, and what can be done with it. */
export function DraftNotice({
  tier,
  continuing,
  onContinue,
  onPreview,
  onDiscarded,
  onRefused,
}: {
  tier: EditedTier;
  /** It is what is being edited. */
  continuing: boolean;
  onContinue: () => void;
  /** Null where there is nothing to play it on. */
  onPreview: (() => void) | null;
  onDiscarded: (tier: EditedTier) => void;
  /** Says what was refused in another place; true when it has one. */
  onRefused: (faults: Faults) => boolean;
}) {
  const [asking, setAsking] = useState(false);
  const [{ fetching, error }, discard] = useMutation(DiscardTierDraft);
  const nowMS = useNow(10_000);
  const say = useToast();
  const { draft } = tier;
  if (!draft) return null;
  const confirm = async () => {
    const { data, error } = await discard({ tierId: tier.id, revision: tier.revision });
    if (error && onRefused(faultsOf(error, () => false))) setAsking(false);
    if (!data) return;
    say("The draft is thrown away");
    setAsking(false);
    onDiscarded(data.discardTierDraft.tier);
  };
  return (
    <Notice kind="info">
      <p className="min-w-0 grow">
        <span className="font-medium">
          {continuing ? "You are editing the draft." : "There is a draft of the next version."}
        </span>{" "}
        <span className="text-muted">
          Saved{draft.savedBy && ` by ${draft.savedBy.name}`}{" "}
          <When at={draft.createdAt} nowMS={nowMS} />
          {draft.note && `: ${draft.note}`}. Nobody is on it.
        </span>
      </p>
      {!continuing && <Button onClick={onContinue}>Continue</Button>}
      {onPreview && (
        <Permitted needs="USAGE_READ">
          <Button onClick={onPreview}>Preview</Button>
        </Permitted>
      )}
      <Button kind="quiet" onClick={() => setAsking(true)}>
        Throw away
      </Button>
      {asking && (
        <Confirm
          title={`Throw the draft of ${tier.name} away?`}
          confirm="Throw away"
          danger
          busy={fetching}
          error={error && explain(error)}
          onConfirm={confirm}
          onClose={() => setAsking(false)}
        >
          Its limits are gone then. What is published, and all accounts, stay as they are.
        </Confirm>
      )}
    </Notice>
  );
}
