import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { type Faults, faultsOf, noFaults } from "~/api/errors";
import { graphql } from "~/api/gql";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { useToast } from "~/ui/Toast";
import { ownAccounts } from "./tier-details";
import { type Pilot, PilotDetails, type PilotedTier, percentOf } from "./tier-pilot-details";
import { memberWords, PilotFields, type PilotMembers } from "./tier-pilot-fields";

const ChangePilot = graphql(
  `
  mutation ChangePilot($input: ChangePilotInput!) {
    changePilot(input: $input) {
      snapshot
      tier {
        ...PilotDetails
      }
    }
  }
`,
  [PilotDetails],
);

const NamesOfAccounts = graphql(`
  query NamesOfAccounts($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      ... on Account {
        id
        name
      }
    }
  }
`);

/** How many accounts can be named at once; longer lists are left to the command line. */
const mostNamed = 100;

type Props = { tier: PilotedTier; pilot: Pilot; reload: () => void; onClose: () => void };

/** Asks who is to be in a pilot that runs. */
export function ChangePilotDialog(props: Props) {
  const ids = props.pilot.accountIds;
  const byName = ids.length <= mostNamed;
  const [{ data, fetching }] = useQuery({
    query: NamesOfAccounts,
    variables: { ids },
    pause: ids.length === 0 || !byName,
  });
  const names = new Map(
    (data?.nodes ?? []).flatMap((n) => (n?.__typename === "Account" ? [[n.id, n.name]] : [])),
  );
  const accounts = byName ? ids.map((id) => ({ value: id, label: names.get(id) ?? id })) : [];
  return fetching ? null : <ChangeForm {...props} byName={byName} accounts={accounts} />;
}

function ChangeForm({
  tier,
  pilot,
  reload,
  onClose,
  byName,
  accounts,
}: Props & { byName: boolean; accounts: PilotMembers["accounts"] }) {
  const [members, setMembers] = useState<PilotMembers>({
    percent: String(pilot.percent),
    accounts,
  });
  const [faults, setFaults] = useState<Faults>(noFaults);
  const [{ fetching }, change] = useMutation(ChangePilot);
  const say = useToast();
  const percent = percentOf(members.percent);
  const problemAt = (field: string) =>
    faults.fields[field] ??
    (field === "percent" && percent === null ? "A whole number from 0 to 100." : undefined);
  const send = async () => {
    setFaults(noFaults);
    if (percent === null) return;
    const { error } = await change({
      input: {
        id: pilot.id,
        revision: tier.revision,
        percent,
        ...(byName && { accountIds: members.accounts.map((a) => a.value) }),
      },
    });
    if (error) {
      const refused = faultsOf(error, (field) => ["percent", "accountIds"].includes(field));
      if (refused.stale) reload();
      return setFaults(refused);
    }
    say("The pilot is changed");
    onClose();
  };
  return (
    <FormDialog
      title={`Who is in the pilot “${pilot.name}”`}
      submit="Change"
      busy={fetching}
      errors={faults.general}
      onSubmit={send}
      onClose={onClose}
    >
      <PilotFields
        tierId={tier.id}
        members={members}
        byName={byName}
        problemAt={problemAt}
        onChange={setMembers}
      />
      {!byName && (
        <p className="text-muted">
          {plural(pilot.accountIds.length, "account")} by name stay in it; weir pilot change changes
          long lists.
        </p>
      )}
      <p role="status" className="text-muted">
        {memberWords(members, ownAccounts(tier))}
      </p>
    </FormDialog>
  );
}
