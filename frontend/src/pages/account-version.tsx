import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useViewer } from "~/api/viewer";
import { AppLink } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { momentIn } from "~/ui/format";
import { Notice } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { AccountPilot } from "./account-pilot";

/** Which version of which tier it is on, and which one is the current one. */
export function OnVersion({ account }: { account: AccountDetails }) {
  const { viewer } = useViewer();
  const { tier, version } = account;
  // Whoever sees one account only doesn't see the tier's page.
  if (viewer?.account)
    return (
      <span>
        On {tier.name} v{version.number}
      </span>
    );
  return (
    <>
      <span>
        On <AppLink to={paths.tier(tier.id)}>{tier.name}</AppLink>{" "}
        {version.number !== null && (
          <AppLink
            to={paths.tierVersions(tier.id)}
            own={version.current ? {} : { from: version.id, to: tier.version.id }}
            className="hover:text-accent hover:underline"
          >
            v{version.number}
          </AppLink>
        )}
      </span>
      {version.number === null && <AccountPilot id={account.id} />}
      {version.number !== null && !version.current && (
        <Badge kind="soft">Current is v{tier.version.number}</Badge>
      )}
      {account.onDefaultTier && <Badge>Default tier</Badge>}
    </>
  );
}

const CancelAccountMove = graphql(`
  mutation CancelAccountMove($accountId: ID!) {
    cancelAccountMove(accountId: $accountId) {
      snapshot
      account {
        id
        pendingMove {
          id
        }
      }
    }
  }
`);

/** A move to another version or tier is to come for it. */
export function PendingMove({ account }: { account: AccountDetails }) {
  const [asking, setAsking] = useState(false);
  const [{ fetching, error }, cancel] = useMutation(CancelAccountMove);
  const say = useToast();
  const { pendingMove: move, tier, version, timeZone } = account;
  if (!move || account.status === "CLOSED") return null;
  const target =
    move.tier.id === tier.id ? `version ${move.version.number} of ${tier.name}` : move.tier.name;
  const confirm = async () => {
    const { error } = await cancel({ accountId: account.id });
    if (error) return;
    say(`${account.name} stays where it is`);
    setAsking(false);
  };
  return (
    <Notice kind="info">
      <p className="min-w-0 grow">
        Moves to{" "}
        <AppLink to={paths.tier(move.tier.id)} className="font-medium underline hover:text-accent">
          {target}
        </AppLink>{" "}
        on {momentIn(Date.parse(move.dueAt), timeZone)} ({timeZone}).
      </p>
      <Permitted needs="ACCOUNTS_WRITE">
        <Button onClick={() => setAsking(true)}>Take back</Button>
      </Permitted>
      {asking && (
        <Confirm
          title={`Take back the move of ${account.name}?`}
          confirm="Take it back"
          busy={fetching}
          error={error && explain(error)}
          onConfirm={confirm}
          onClose={() => setAsking(false)}
        >
          It stays on version {version.number} of {tier.name} until somebody moves it.
        </Confirm>
      )}
    </Notice>
  );
}
