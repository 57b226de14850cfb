import { useState } from "react";
import { useMutation } from "urql";
import { type Faults, faultsOf, noFaults } from "~/api/errors";
import { graphql, type VariablesOf } from "~/api/gql";
import { DiffTable } from "~/limit/DiffTable";
import type { LimitDiff } from "~/limit/diff";
import { FormDialog } from "~/ui/FormDialog";
import { TextField } from "~/ui/inputs";
import { type EditedTier, ownAccounts, TierDetails } from "./tier-details";
import { percentOf } from "./tier-pilot-details";
import { memberProblems, memberWords, PilotFields, type PilotMembers } from "./tier-pilot-fields";

const StartPilot = graphql(
  `
  mutation StartPilot($input: StartPilotInput!) {
    startPilot(input: $input) {
      snapshot
      tier {
        ...TierDetails
        pilot {
          id
        }
      }
    }
  }
`,
  [TierDetails],
);

export type PilotLimits = NonNullable<VariablesOf<typeof StartPilot>["input"]["limits"]>;

const shown = (field: string) => ["name", "percent", "accountIds"].includes(field);

/** Asks on whom other limits are tried, after saying what they change. */
export function StartPilotDialog({
  tier,
  limits,
  diffs,
  onStarted,
  onRefused,
  onClose,
}: {
  tier: EditedTier;
  /** What is tried. */
  limits: PilotLimits;
  /** What that changes of the current version. */
  diffs: readonly LimitDiff[];
  onStarted: (tier: EditedTier, snapshot: number, sentMS: number) => void;
  /** Told what was refused; true when it is shown elsewhere. */
  onRefused: (faults: Faults) => boolean;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [members, setMembers] = useState<PilotMembers>({ percent: "5", accounts: [] });
  const [checked, setChecked] = useState(false);
  const [faults, setFaults] = useState<Faults>(noFaults);
  const [{ fetching }, start] = useMutation(StartPilot);
  const problems: Record<string, string> = {
    ...memberProblems(members),
    ...(name.trim() === "" && { name: "Give it a name, such as “800 a minute”." }),
  };
  const problemAt = (field: string) =>
    faults.fields[field] ?? (checked ? problems[field] : undefined);
  const send = async () => {
    setChecked(true);
    setFaults(noFaults);
    if (Object.keys(problems).length > 0) return;
    const sentMS = performance.now();
    const { data, error } = await start({
      input: {
        tierId: tier.id,
        revision: tier.revision,
        name: name.trim(),
        limits,
        percent: percentOf(members.percent) ?? 0,
        accountIds: members.accounts.map((a) => a.value),
      },
    });
    if (data) onStarted(data.startPilot.tier, data.startPilot.snapshot, sentMS);
    if (!error || onRefused(faultsOf(error, (field) => field.startsWith("limits")))) return;
    setFaults(faultsOf(error, shown));
  };
  return (
    <FormDialog
      wide
      title={`Try on some accounts of ${tier.name}`}
      submit="Start the pilot"
      busy={fetching}
      errors={faults.general}
      onSubmit={send}
      onClose={onClose}
    >
      <p className="text-muted">
        Some accounts get these limits and everybody else stays as they are, until you give them to
        more, make a version of them, or end the pilot.
      </p>
      <div className="overflow-hidden rounded-control border border-line pt-1">
        <DiffTable
          diffs={diffs}
          before={`Version ${tier.version.number}`}
          after="Pilot"
          maxHeight="max-h-60"
        />
      </div>
      <TextField
        label="Name"
        error={problemAt("name")}
        maxLength={64}
        autofocus
        value={name}
        onChange={setName}
      />
      <PilotFields tierId={tier.id} members={members} problemAt={problemAt} onChange={setMembers} />
      <p role="status" className="text-muted">
        {memberWords(members, ownAccounts(tier))}
      </p>
    </FormDialog>
  );
}
