import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import type { Limit } from "~/limit/fields";
import { brief } from "~/limit/words";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { plural } from "~/ui/format";
import type { LimitTier } from "./LimitPage";
import { draftOf, inputOf } from "./tier-form";
import type { Change } from "./tier-rollout";

const EnforceLimitMutation = graphql(`
  mutation EnforceLimit($input: UpdateTierInput!) {
    updateTier(input: $input) {
      snapshot
      tier {
        id
        revision
        limits {
          id
          mode
        }
      }
    }
  }
`);

/** Turns a shadow limit into one that refuses. */
export function EnforceLimit({
  limit,
  tier,
  onEnforced,
}: {
  limit: Limit;
  tier: LimitTier;
  onEnforced: (change: Change) => void;
}) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button kind="primary" onClick={() => setAsking(true)}>
        Enforce it
      </Button>
      {asking && (
        <EnforceDialog
          limit={limit}
          tier={tier}
          onEnforced={onEnforced}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

function EnforceDialog({
  limit,
  tier,
  onEnforced,
  onClose,
}: {
  limit: Limit;
  tier: LimitTier;
  onEnforced: (change: Change) => void;
  onClose: () => void;
}) {
  const [{ fetching, error }, update] = useMutation(EnforceLimitMutation);
  const confirm = async () => {
    const limits = tier.limits.map((l) =>
      l.id === limit.id ? { ...l, mode: "ENFORCE" as const } : l,
    );
    const sentMS = performance.now();
    const input = inputOf(draftOf({ name: tier.name, limits }));
    const result = await update({
      input: { id: tier.id, revision: tier.revision, limits: input.limits },
    });
    if (result.error || !result.data) return;
    onEnforced({ snapshot: result.data.updateTier.snapshot, sentMS });
    onClose();
  };
  const beside = tier.limits.filter((l) => l.id !== limit.id && l.mode !== "SHADOW");
  return (
    <Confirm
      title={`Enforce ${limit.name}?`}
      confirm="Enforce limit"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        What goes over {brief(limit)} is refused with 429 from now on, for{" "}
        {plural(tier.accountCount, "account")} on {tier.name}. Every Envoy follows in about a
        second; its counters are kept.
      </p>
      {beside.length > 0 && (
        <p>
          {beside.map((l) => l.name).join(", ")} {beside.length === 1 ? "stays" : "stay"} beside it;
          the stricter one decides.
        </p>
      )}
    </Confirm>
  );
}
