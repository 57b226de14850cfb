import { useState } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { useHref } from "~/app/location";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { FormDialog } from "~/ui/FormDialog";
import { TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";

const CopyTier = graphql(`
  mutation CopyTier($input: CopyTierInput!) {
    copyTier(input: $input) {
      tier {
        id
        name
      }
    }
  }
`);

/** Makes another tier with the limits of this one. */
export function CopyTierButton({ tier }: { tier: { id: string; name: string } }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Copy to a new tier</Button>
      {open && <CopyDialog tier={tier} onClose={() => setOpen(false)} />}
    </>
  );
}

function CopyDialog({
  tier,
  onClose,
}: {
  tier: { id: string; name: string };
  onClose: () => void;
}) {
  const [name, setName] = useState(`${tier.name} copy`);
  const [, copy] = useMutation(CopyTier);
  const { submit, busy, faults } = useSubmit(["name"]);
  const [, navigate] = useLocation();
  const href = useHref();
  const say = useToast();
  const save = async () => {
    const made = await submit(copy({ input: { tierId: tier.id, name: name.trim() } }));
    if (!made) return;
    say(`${made.copyTier.tier.name} is made`);
    onClose();
    navigate(href(paths.tier(made.copyTier.tier.id)));
  };
  return (
    <FormDialog
      title={`Copy ${tier.name} to a new tier`}
      submit="Make the copy"
      busy={busy}
      disabled={name.trim() === ""}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <p className="text-muted">
        The new tier begins with the limits of the current version. No account is on it, and it goes
        its own way from then on.
      </p>
      <TextField
        autofocus
        required
        label="Name"
        hint="Unique, up to 64 characters."
        error={faults?.fields.name}
        maxLength={64}
        value={name}
        onChange={setName}
      />
    </FormDialog>
  );
}
