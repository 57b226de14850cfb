import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useHref } from "~/app/location";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { Dialog, DialogActions } from "~/ui/Dialog";
import { Field } from "~/ui/Field";

const CreateAccount = graphql(`
  mutation CreateAccount($input: CreateAccountInput!) {
    createAccount(input: $input) {
      account {
        id
      }
    }
  }
`);

export function CreateAccountDialog({
  tiers,
  onClose,
}: {
  tiers: Array<{ id: string; name: string }>;
  onClose: () => void;
}) {
  const [{ fetching }, create] = useMutation(CreateAccount);
  const [name, setName] = useState("");
  const [tierId, setTierId] = useState(tiers[0]?.id ?? "");
  const [faults, setFaults] = useState<Faults | null>(null);
  const [, navigate] = useLocation();
  const href = useHref();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { data, error } = await create({ input: { name: name.trim(), tierId } });
    if (error) setFaults(faultsOf(error, (f) => f === "name" || f === "tierId"));
    else if (data) navigate(href(paths.account(data.createAccount.account.id)));
  };
  return (
    <Dialog title="New account" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field label="Name" hint="Unique, up to 128 characters." error={faults?.fields.name}>
          {(field) => (
            <input
              {...field}
              data-autofocus
              required
              maxLength={128}
              autoComplete="off"
              className="control w-full"
              value={name}
              onChange={(e) => setName(e.target.value)}
            />
          )}
        </Field>
        <Field
          label="Tier"
          hint={
            tiers.length === 0 ? "Create a tier first." : "Its limits hold from the first request."
          }
          error={faults?.fields.tierId}
        >
          {(field) => (
            <select
              {...field}
              required
              className="control w-full"
              value={tierId}
              onChange={(e) => setTierId(e.target.value)}
            >
              {tiers.map((tier) => (
                <option key={tier.id} value={tier.id}>
                  {tier.name}
                </option>
              ))}
            </select>
          )}
        </Field>
        {faults?.general.map((message) => (
          <p key={message} role="alert" className="text-error">
            {message}
          </p>
        ))}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={fetching} disabled={tiers.length === 0}>
            Create account
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
