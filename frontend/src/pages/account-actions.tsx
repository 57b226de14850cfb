import { type ReactNode, useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { SelectField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { SettingsDialog, UpdateAccount } from "./account-settings";
import { StatusDialog } from "./account-status";
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

/** Settings, another tier, reset, suspend; each asks first and says what follows. */
export function AccountActions({ account, tiers }: { account: AccountDetails; tiers: Tier[] }) {
  const [open, setOpen] = useState<"settings" | "tier" | "reset" | "status" | null>(null);
  const props = { account, onClose: () => setOpen(null) };
  return (
    <>
      <Button onClick={() => setOpen("settings")}>Settings</Button>
      <Button onClick={() => setOpen("tier")}>Change tier</Button>
      <AdjustUsageButton account={account} />
      <Button onClick={() => setOpen("reset")}>Reset counters</Button>
      <Button onClick={() => setOpen("status")}>Change status</Button>
      {open === "settings" && <SettingsDialog {...props} />}
      {open === "tier" && <MoveDialog {...props} tiers={tiers} />}
      {open === "reset" && <ResetDialog {...props} />}
      {open === "status" && <StatusDialog {...props} tiers={tiers} />}
    </>
  );
}

function ResetDialog({ account, onClose }: Props) {
  const [{ fetching, error }, reset] = useMutation(ResetAccount);
  const say = useToast();
  const confirm = async () => {
    const result = await reset({ id: account.id }, { additionalTypenames: ["Level"] });
    if (result.error) return;
    say(`The counters of ${account.name} begin anew`);
    onClose();
  };
  return (
    <Confirm
      title={`Reset the counters of ${account.name}?`}
      confirm="Reset counters"
      typed={account.name}
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      All its limits begin anew, of its keys and its quotas too, in every Envoy, in about a second.
      What was metered stays, and so does what is billed. This can’t be undone.
    </Confirm>
  );
}

const byDefault = "default";

function MoveDialog({ account, tiers, onClose }: Props & { tiers: Tier[] }): ReactNode {
  const [{ fetching, error }, update] = useMutation(UpdateAccount);
  const say = useToast();
  const choices = [
    ...(account.onDefaultTier
      ? []
      : [{ value: byDefault, label: "None of its own: the default tier" }]),
    ...tiers
      .filter((t) => account.onDefaultTier || t.id !== account.tier.id)
      .map((t) => ({ value: t.id, label: t.name })),
  ];
  const [choice, setChoice] = useState(
    choices.find((c) => c.value !== byDefault)?.value ?? choices[0]?.value ?? "",
  );
  const tier = tiers.find((t) => t.id === choice);
  const name = tier?.name ?? "the default tier";
  const confirm = async () => {
    const change = choice === byDefault ? { useDefaultTier: true } : { tierId: choice };
    const result = await update({ input: { id: account.id, ...change } });
    if (result.error) return;
    say(`${account.name} is on ${result.data?.updateAccount.account.tier.name ?? name} now`);
    onClose();
  };
  return (
    <Confirm
      title={`Change the tier of ${account.name}`}
      confirm={`Move to ${name}`}
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      <SelectField
        autofocus
        label="New tier"
        value={choice}
        choices={choices}
        onChange={setChoice}
      />
      <p>
        The limits of {account.tier.name} stop to count and those of {name} begin full, in about a
        second. Keys and usage stay; overrides hold only for limits of the tier it is on.
      </p>
    </Confirm>
  );
}
