import { useState } from "react";
import { useViewer } from "~/api/viewer";
import { ManagedNotice } from "./managed";
import { CopyTierButton } from "./tier-copy";
import { DeleteTier } from "./tier-delete";
import type { EditedTier } from "./tier-details";
import { TierEditor } from "./tier-editor";
import { type Catalog, draftOf } from "./tier-form";
import { TierHead, type TierRole } from "./tier-head";
import { TierLimits } from "./tier-limit-list";
import { TierMovePanel } from "./tier-move-panel";
import { TierPilotPanel } from "./tier-pilot";
import { TierPreview } from "./tier-preview";
import { draftSources } from "./tier-preview-sources";
import { type Change, RolloutProgress } from "./tier-rollout";

/** A tier: how a move of its accounts and a pilot go on, its limits, to be edited by those who may, and what they would do. */
export function TierPage({
  latest,
  catalog,
  role,
  reload,
}: {
  /** As it is on the server; null for a new one. */
  latest: EditedTier | null;
  catalog: Catalog;
  role: TierRole;
  reload: () => void;
}) {
  const { may } = useViewer();
  const [change, setChange] = useState<Change | null>(null);
  const mayEdit = may("POLICY_WRITE");
  return (
    <>
      <TierHead
        tier={latest}
        role={role}
        at="limits"
        actions={
          latest &&
          mayEdit && (
            <>
              <DeleteTier tier={latest} role={role} />
              <CopyTierButton tier={latest} />
            </>
          )
        }
      />
      {change && <RolloutProgress change={change} />}
      {latest && mayEdit && <ManagedNotice id={latest.id} what="This tier" />}
      {latest && <TierMovePanel tierId={latest.id} />}
      {latest && <TierPilotPanel tierId={latest.id} />}
      {mayEdit ? (
        <TierEditor
          latest={latest}
          catalog={catalog}
          role={role}
          reload={reload}
          onChange={setChange}
        />
      ) : (
        <>
          <TierLimits limits={latest?.limits ?? []} />
          {latest && role !== "anonymous" && (
            <TierPreview tierId={latest.id} sources={draftSources(draftOf(latest), latest.draft)} />
          )}
        </>
      )}
    </>
  );
}
