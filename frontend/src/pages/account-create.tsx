import { useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
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
  const [, create] = useMutation(CreateAccount);
  const { submit, busy, faults } = useSubmit(fields);
  const [name, setName] = useState("");
  const [tierId, setTierId] = useState("");
  const [timeZone, setTimeZone] = useState("UTC");
  const [billingDay, setBillingDay] = useState("1");
  const [, navigate] = useLocation();
  const href = useHref();
  const save = async () => {
    const saved = await submit(
      create({
        input: {
          name: name.trim(),
          ...(tierId !== "" && { tierId }),
          timeZone: timeZone.trim(),
          billingDay: Number(billingDay),
        },
      }),
    );
    if (saved) navigate(href(paths.account(saved.createAccount.account.id)));
  };
  return (
    <FormDialog
      title="New account"
      submit="Create account"
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
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
