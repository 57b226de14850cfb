import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { newClientId } from "~/explore/correct";
import { signed } from "~/explore/reconcile";
import { FormDialog } from "~/ui/FormDialog";
import { momentInZone } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import { changedByCorrections } from "./usage-adjust";
import type { Correction } from "./usage-corrections";

const VoidUsage = graphql(`
  mutation VoidUsage($input: VoidUsageInput!) {
    voidUsage(input: $input) {
      correction {
        id
      }
    }
  }
`);

/** Takes a correction back, by another one that undoes it. */
export function VoidDialog({
  correction: c,
  onVoided,
  onClose,
}: {
  correction: Correction;
  onVoided: () => void;
  onClose: () => void;
}) {
  const [, takeBack] = useMutation(VoidUsage);
  const { submit, busy, faults } = useSubmit(["reason"]);
  const [clientId] = useState(newClientId);
  const [reason, setReason] = useState("");
  const say = useToast();
  const save = async () => {
    const saved = await submit(
      takeBack(
        { input: { clientId, correctionId: c.id, reason: reason.trim() } },
        { additionalTypenames: changedByCorrections },
      ),
    );
    if (!saved) return;
    say("The correction is void");
    onVoided();
    onClose();
  };
  return (
    <FormDialog
      title="Void this correction"
      submit="Void correction"
      busy={busy}
      disabled={reason.trim() === ""}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <p className="text-muted">
        {c.actor} wrote “{c.reason}”. Voiding adds {signed(-c.requests)} requests and{" "}
        {signed(-c.cost)} cost units at {momentInZone(Date.parse(c.at), "UTC")} UTC
        {c.account ? ` to ${c.account.name}` : ""}, so that together they change nothing. Both stay
        in the list.
      </p>
      <TextField
        autofocus
        required
        label="Reason"
        error={faults?.fields.reason}
        maxLength={500}
        value={reason}
        onChange={setReason}
      />
    </FormDialog>
  );
}
