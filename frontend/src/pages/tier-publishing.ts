import type { CombinedError } from "@urql/core";
import { useMutation } from "urql";
import type { EditedTier } from "./tier-details";
import { inputOf, type TierDraft } from "./tier-form";
import type { Publication } from "./tier-publish";
import { PublishTier, SaveTierDraft, UpdateTier } from "./tier-publish-mutations";

type Form = {
  draft: TierDraft;
  /** It is the tier's draft that is edited. */
  continuing: boolean;
  /** It was changed since it was saved. */
  dirty: boolean;
};

type Outcome = {
  /** As far as it came: with an error, after the last step that was made. */
  tier: EditedTier | null;
  snapshot: number;
  error: CombinedError | null;
};

/** Publishes what was edited, or keeps it as a draft. */
export function usePublishing() {
  const [updated, update] = useMutation(UpdateTier);
  const [saved, save] = useMutation(SaveTierDraft);
  const [published, publishTier] = useMutation(PublishTier);

  const keep = async (base: EditedTier, draft: TierDraft, note?: string): Promise<Outcome> => {
    const { data, error } = await save({
      input: {
        tierId: base.id,
        revision: base.revision,
        limits: inputOf(draft).limits,
        note: note ?? base.draft?.note ?? "",
      },
    });
    return { tier: data?.saveTierDraft.tier ?? null, snapshot: 0, error: error ?? null };
  };

  const rename = async (base: EditedTier, name: string): Promise<Outcome> => {
    const { data, error } = await update({ input: { id: base.id, revision: base.revision, name } });
    return { tier: data?.updateTier.tier ?? null, snapshot: 0, error: error ?? null };
  };

  /** Gives the tier its name, brings its draft up to date, and publishes; each step needs the one before. */
  const publish = async (
    base: EditedTier,
    { draft, continuing, dirty }: Form,
    { note, move }: Publication,
  ): Promise<Outcome> => {
    let tier = base;
    const { name, limits } = inputOf(draft);
    if (name !== tier.name) {
      const named = await rename(tier, name);
      if (!named.tier) return named;
      tier = named.tier;
    }
    if (continuing && dirty) {
      const kept = await keep(tier, draft, note);
      if (!kept.tier) return { ...kept, tier };
      tier = kept.tier;
    }
    const { data, error } = await publishTier({
      input: {
        tierId: tier.id,
        revision: tier.revision,
        ...(continuing ? {} : { limits }),
        note,
        move,
      },
    });
    if (error || !data) return { tier, snapshot: 0, error: error ?? null };
    return { tier: data.publishTier.tier, snapshot: data.publishTier.snapshot, error: null };
  };

  return { keep, publish, busy: updated.fetching || saved.fetching || published.fetching };
}
