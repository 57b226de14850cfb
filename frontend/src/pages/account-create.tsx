import { useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { type Faults, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useHref } from "~/app/location";
import { paths } from "~/app/paths";
import { FormDialog } from "~/ui/FormDialog";
import { SelectField, TextField } from "~/ui/inputs";
import { PeriodFields } from "./account-settings";

const CreateAccount = graphql(`
  mutation CreateAccount($input: CreateAccountInput!) {
    createAccount(input: $input) {
      account {
        id
      }
    }
  }
`);

const fields = ["name", "tierId", "timeZone", "billingDay"];

export function CreateAccountDialog({
  tiers,
  onClose,
}: {
  tiers: Array<{ id: string; name: string }>;
  onClose: () => void;
}) {
  const [{ fetching }, create] = useMutation(CreateAccount);
  const [name, setName] = useState("");
  const [tierId, setTierId] = useState("");
  const [timeZone, setTimeZone] = useState("UTC");
  const [billingDay, setBillingDay] = useState("1");
  const [faults, setFaults] = useState<Faults | null>(null);
  const [, navigate] = useLocation();
  const href = useHref();
  const submit = async () => {
    const { data, error } = await create({
      input: {
        name: name.trim(),
        ...(tierId !== "" && { tierId }),
        timeZone: timeZone.trim(),
        billingDay: Number(billingDay),
      },
    });
    if (error) setFaults(faultsOf(error, (f) => fields.includes(f)));
    else if (data) navigate(href(paths.account(data.createAccount.account.id)));
  };
  return (
    <FormDialog
      title="New account"
      submit="Create account"
      busy={fetching}
      errors={faults?.general}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        autofocus
        required
        label="Name"
        hint="Unique, up to 128 characters."
        error={faults?.fields.name}
        maxLength={128}
        value={name}
        onChange={setName}
      />
      <SelectField
        label="Tier"
        hint="Its limits hold from the first request."
        error={faults?.fields.tierId}
        value={tierId}
        choices={[
          { value: "", label: "None of its own: the default tier" },
          ...tiers.map((tier) => ({ value: tier.id, label: tier.name })),
        ]}
        onChange={setTierId}
      />
      <PeriodFields
        timeZone={timeZone}
        billingDay={billingDay}
        faults={faults}
        onTimeZone={setTimeZone}
        onBillingDay={setBillingDay}
      />
    </FormDialog>
  );
}
