import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { PlanDialog } from "./account-plan";
import { SettingsDialog } from "./account-settings";
import { StatusDialog } from "./account-status";
import { AtField, atWords, useSchedule } from "./schedule";
import { AdjustUsageButton } from "./usage-adjust";

const ResetAccount = graphql(`
  mutation ResetAccount($id: ID!) {
    resetAccount(id: $id) {
      snapshot
      account {
        id
      }
    }
  }
`);

type Tier = { id: string; name: string };
type Props = { account: AccountDetails; onClose: () => void };

/**
 * Settings, another tier, reset, suspend; each asks first and says what follows. Of a
 * closed account only the status, and its past usage, can be changed.
 */
export function AccountActions({
  account,
  tiers,
  reload,
}: {
  account: AccountDetails;
  tiers: Tier[];
  /** Reads the account again: somebody else may have changed it. */
  reload: () => void;
}) {
  const [open, setOpen] = useState<"settings" | "tier" | "reset" | "status" | null>(null);
  const close = () => {
    setOpen(null);
    reload();
  };
  const props = { account, onClose: close };
  return (
    <>
      {account.status !== "CLOSED" && (
        <>
          <Button onClick={() => setOpen("settings")}>Settings</Button>
          <Button onClick={() => setOpen("tier")}>Change tier</Button>
          <Button onClick={() => setOpen("reset")}>Reset counters</Button>
        </>
      )}
      <AdjustUsageButton account={account} />
      <Button onClick={() => setOpen("status")}>Change status</Button>
      {open === "settings" && <SettingsDialog {...props} />}
      {open === "tier" && <PlanDialog {...props} tiers={tiers} />}
      {open === "reset" && <ResetDialog {...props} />}
      {open === "status" && <StatusDialog {...props} tiers={tiers} />}
    </>
  );
}

function ResetDialog({ account, onClose }: Props) {
  const [, reset] = useMutation(ResetAccount);
  const schedule = useSchedule();
  const { submit, busy, faults } = useSubmit(["at"]);
  const [at, setAt] = useState("");
  const say = useToast();
  const confirm = async () => {
    const done = at
      ? await submit(schedule(at, { resetAccount: account.id }))
      : await submit(reset({ id: account.id }, { additionalTypenames: ["Level"] }));
    if (!done) return;
    say(`The counters of ${account.name} begin anew${at ? ` at ${atWords(at)}` : ""}`);
    onClose();
  };
  return (
    <Confirm
      title={`Reset the counters of ${account.name}?`}
      confirm={at ? "Schedule" : "Reset counters"}
      typed={account.name}
      danger
      busy={busy}
      error={faults?.general[0]}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        All its limits begin anew, of its keys and its quotas too, in every Envoy, in about a
        second. What was metered stays, and so does what is billed. This can’t be undone.
      </p>
      <AtField at={at} error={faults?.fields.at} onChange={setAt} />
    </Confirm>
  );
}
