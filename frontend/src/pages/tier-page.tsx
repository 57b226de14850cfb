import { useState } from "react";
import { useViewer } from "~/api/viewer";
import { sentence } from "~/limit/words";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { ManagedNotice } from "./managed";
import { CopyTierButton } from "./tier-copy";
import { DeleteTier } from "./tier-delete";
import type { EditedTier } from "./tier-details";
import { TierEditor } from "./tier-editor";
import { type Catalog, draftOf } from "./tier-form";
import { TierHead, type TierRole } from "./tier-head";
import { TierMovePanel } from "./tier-move-panel";
import { TierPilotPanel } from "./tier-pilot";
import { TierPreview } from "./tier-preview";
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
          <TierLimits tier={latest} />
          {latest && role !== "anonymous" && (
            <TierPreview
              tierId={latest.id}
              draft={draftOf(latest)}
              kept={latest.draft}
              asked={0}
              invalid={false}
            />
          )}
        </>
      )}
    </>
  );
}

/** The limits, for those who may not change them. */
function TierLimits({ tier }: { tier: EditedTier | null }) {
  return (
    <Panel title="Limits" note="A request must pass all of them, or none is charged">
      {tier === null || tier.limits.length === 0 ? (
        <EmptyState title="No limits">
          Everything of this tier’s accounts is let through.
        </EmptyState>
      ) : (
        <ul className="divide-y divide-line border-t border-line">
          {tier.limits.map((limit) => (
            <li key={limit.id} className="px-4 py-2">
              <span className="font-medium">{limit.name}</span>
              <span className="block text-muted">{sentence(limit)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
