import { type ReactNode, useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Field } from "~/ui/Field";
import { useToast } from "~/ui/Toast";

const UpdateAccount = graphql(`
  mutation UpdateAccount($input: UpdateAccountInput!) {
    updateAccount(input: $input) {
      snapshot
      account {
        id
        status
        tier {
          id
          name
        }
      }
    }
  }
`);

type Account = {
  id: string;
  name: string;
  status: "ACTIVE" | "SUSPENDED";
  tier: { id: string; name: string };
};

/** Move to another tier, suspend, activate; each asks first and says what follows. */
export function AccountActions({
  account,
  tiers,
}: {
  account: Account;
  tiers: Array<{ id: string; name: string }>;
}) {
  const [open, setOpen] = useState<"tier" | "status" | null>(null);
  const [{ fetching, error }, update] = useMutation(UpdateAccount);
  const say = useToast();
  const suspended = account.status === "SUSPENDED";

  const apply = async (change: { tierId?: string; status?: Account["status"] }, done: string) => {
    const result = await update({ input: { id: account.id, ...change } });
    if (result.error) return;
    setOpen(null);
    say(done);
  };
  const asked = { busy: fetching, error: error && explain(error), onClose: () => setOpen(null) };
  return (
    <>
      <Button onClick={() => setOpen("tier")}>Change tier</Button>
      <Button onClick={() => setOpen("status")}>{suspended ? "Activate" : "Suspend"}</Button>
      {open === "tier" && (
        <MoveDialog
          account={account}
          tiers={tiers}
          {...asked}
          onMove={(tier) => apply({ tierId: tier.id }, `${account.name} is on ${tier.name} now`)}
        />
      )}
      {open === "status" && (
        <Confirm
          {...asked}
          title={suspended ? `Activate ${account.name}?` : `Suspend ${account.name}?`}
          confirm={suspended ? "Activate" : "Suspend"}
          danger={!suspended}
          onConfirm={() =>
            apply(
              { status: suspended ? "ACTIVE" : "SUSPENDED" },
              suspended ? `${account.name} is active again` : `${account.name} is suspended`,
            )
          }
        >
          {suspended
            ? "Its requests are let through again as its limits allow, in about a second."
            : "Every request of its keys is refused with 403, in about a second. Keys and usage stay, and you can activate it again at any time."}
        </Confirm>
      )}
    </>
  );
}

function MoveDialog({
  account,
  tiers,
  onMove,
  ...asked
}: {
  account: Account;
  tiers: Array<{ id: string; name: string }>;
  onMove: (tier: { id: string; name: string }) => void;
  busy: boolean;
  error: string | undefined;
  onClose: () => void;
}): ReactNode {
  const others = tiers.filter((t) => t.id !== account.tier.id);
  const [tierId, setTierId] = useState(others[0]?.id ?? "");
  const tier = others.find((t) => t.id === tierId);
  return (
    <Confirm
      {...asked}
      title={`Change the tier of ${account.name}`}
      confirm={tier ? `Move to ${tier.name}` : "Move"}
      onConfirm={() => tier && onMove(tier)}
    >
      {others.length === 0 ? (
        <p>{account.tier.name} is the only tier. Create another one first.</p>
      ) : (
        <>
          <Field label="New tier">
            {(field) => (
              <select
                {...field}
                data-autofocus
                className="control w-full"
                value={tierId}
                onChange={(e) => setTierId(e.target.value)}
              >
                {others.map((t) => (
                  <option key={t.id} value={t.id}>
                    {t.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <p>
            The limits of {account.tier.name} stop to count and those of {tier?.name} begin full, in
            about a second. Keys and usage stay.
          </p>
        </>
      )}
    </Confirm>
  );
}
