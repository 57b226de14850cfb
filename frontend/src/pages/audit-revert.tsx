import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { explain, faultsOf } from "~/api/errors";
import { graphql } from "~/api/gql";
import { Button } from "~/ui/Button";
import { CheckField } from "~/ui/inputs";
import { useToast } from "~/ui/Toast";
import type { AuditRecord } from "./audit-record";
import { actionWords } from "./audit-words";

const RevertChange = graphql(`
  mutation RevertChange($input: RevertChangeInput!) {
    revertChange(input: $input) {
      record {
        seq
        action
      }
      snapshot
    }
  }
`);

const RevertPreview = graphql(`
  query RevertPreview($seq: Int64!) {
    auditRecord(seq: $seq) {
      seq
      revertPreview
    }
  }
`);

const additionalTypenames = [
  "AuditRecord",
  "Account",
  "Override",
  "Identity",
  "Key",
  "Tier",
  "Endpoint",
  "EndpointGroup",
  "Meter",
];

/** Puts what a record changed back, or says why that can't be done. */
export function RevertRecord({ record }: { record: AuditRecord }) {
  const [{ fetching, error }, revert] = useMutation(RevertChange);
  const [asked, setAsked] = useState(false);
  const [force, setForce] = useState(false);
  const [preview] = useQuery({
    query: RevertPreview,
    variables: { seq: Number(record.seq) },
    pause: !asked,
    requestPolicy: "network-only",
  });
  const say = useToast();
  if (!record.revertible)
    return <p className="text-small text-faint">Can’t be reverted: {record.irrevertible}.</p>;
  const confirm = async () => {
    const result = await revert({ input: { seq: record.seq, force } }, { additionalTypenames });
    if (result.error) return;
    say(`Reverted; it is record ${result.data?.revertChange.record.seq ?? ""} now`);
    setAsked(false);
    setForce(false);
  };
  const conflict = error && faultsOf(error, () => false).conflict;
  if (!asked)
    return (
      <Button className="self-start" onClick={() => setAsked(true)}>
        Revert this change
      </Button>
    );
  return (
    <section aria-label="Revert" className="flex flex-col gap-2 border-t border-line pt-3">
      <p>
        “{actionWords(record.action)}” is taken back, as an edit of yours. Envoys follow in about a
        second.
      </p>
      <p role="status">{preview.data?.auditRecord?.revertPreview}</p>
      {error && (
        <p role="alert" className="text-error">
          {explain(error)}
        </p>
      )}
      {conflict && (
        <CheckField
          label="Revert it all the same"
          note="What was changed since is overwritten, as far as this record says it."
          checked={force}
          onChange={setForce}
        />
      )}
      <div className="flex gap-2">
        <Button onClick={() => setAsked(false)}>Cancel</Button>
        <Button
          kind="danger"
          busy={fetching}
          disabled={Boolean(conflict) && !force}
          onClick={confirm}
        >
          Revert
        </Button>
      </div>
    </section>
  );
}
