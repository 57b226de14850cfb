import { useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useLetGo } from "~/app/leaving";
import { useHref } from "~/app/location";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { useToast } from "~/ui/Toast";
import type { TierRole } from "./tier-head";

const DeleteTierMutation = graphql(`
  mutation DeleteTier($id: ID!) {
    deleteTier(id: $id) {
      id
    }
  }
`);

/** Only a tier that no account is on and that is no default can be deleted. */
export function DeleteTier({
  tier: { id, name, accountCount },
  role,
}: {
  tier: { id: string; name: string; accountCount: number };
  role: TierRole;
}) {
  const [asking, setAsking] = useState(false);
  const [{ fetching, error }, remove] = useMutation(DeleteTierMutation);
  const [, navigate] = useLocation();
  const letGo = useLetGo();
  const href = useHref();
  const say = useToast();
  const confirm = async () => {
    const result = await remove({ id }, { additionalTypenames: ["Tier"] });
    if (result.error) return;
    letGo();
    say(`${name} is deleted`);
    navigate(href(paths.tiers), { replace: true });
  };
  const whyNot = role
    ? "Can be deleted once it is no default"
    : accountCount > 0
      ? "Can be deleted once no account is on it"
      : null;
  return (
    <>
      {whyNot && (
        <span id="why-not-delete" className="text-small text-faint">
          {whyNot}
        </span>
      )}
      <Button
        disabled={whyNot !== null}
        aria-describedby={whyNot ? "why-not-delete" : undefined}
        onClick={() => setAsking(true)}
      >
        Delete
      </Button>
      {asking && (
        <Confirm
          title={`Delete ${name}?`}
          confirm="Delete tier"
          typed={name}
          danger
          busy={fetching}
          error={error && explain(error)}
          onConfirm={confirm}
          onClose={() => setAsking(false)}
        >
          No account is on it, so no traffic changes. Usage that was counted under it stays.
        </Confirm>
      )}
    </>
  );
}
