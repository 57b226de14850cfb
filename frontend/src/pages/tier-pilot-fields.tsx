import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { exact, plural } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { type Pick, PickField } from "~/ui/PickField";
import { percentOf } from "./tier-pilot-details";

const AccountsOnTier = graphql(`
  query AccountsOnTier($tierId: ID!, $text: String) {
    accounts(first: 20, filter: { tierId: $tierId, text: $text }) {
      nodes {
        id
        name
        onDefaultTier
      }
    }
  }
`);

/** Who is in a pilot, as it is being chosen. */
export type PilotMembers = { percent: string; accounts: Pick[] };

export function memberProblems({ percent, accounts }: PilotMembers): Record<string, string> {
  const value = percentOf(percent);
  if (value === null) return { percent: "A whole number from 0 to 100." };
  return value === 0 && accounts.length === 0
    ? { percent: "Some percent of the accounts, or accounts by name." }
    : {};
}

/** Says about how many accounts that are. */
export function memberWords({ percent, accounts }: PilotMembers, own: number): string {
  const part = percentOf(percent) ?? 0;
  const named =
    accounts.length === 0 ? "" : plural(accounts.length, "account by name", "accounts by name");
  if (part === 0) return named ? `Tried on ${named}.` : "";
  const about = `about ${exact.format(Math.round((own * part) / 100))} of ${plural(own, "account")}`;
  return `Tried on ${about}${named ? `, and on ${named}` : ""}. More percent only adds accounts, less takes out those that came last.`;
}

/** Chooses who is in a pilot of a tier. */
export function PilotFields({
  tierId,
  members,
  byName = true,
  problemAt,
  onChange,
}: {
  tierId: string;
  members: PilotMembers;
  /** Whether accounts can be chosen by name, too. */
  byName?: boolean;
  problemAt: (field: string) => string | undefined;
  onChange: (members: PilotMembers) => void;
}) {
  const [text, setText] = useState("");
  const search = useDeferredValue(text);
  const [{ data }] = useQuery({
    query: AccountsOnTier,
    variables: { tierId, text: search || null },
    pause: !byName,
  });
  return (
    <>
      <TextField
        label="Percent of the accounts"
        hint="Which ones depends on their ids only."
        look="number"
        className="sm:max-w-64"
        error={problemAt("percent")}
        value={members.percent}
        onChange={(percent) => onChange({ ...members, percent })}
      />
      {byName && (
        <PickField
          label="Accounts by name"
          hint="In it besides; they have to be on this tier themselves, not by default."
          error={problemAt("accountIds")}
          placeholder="Search accounts of this tier"
          several
          chosen={members.accounts}
          picks={data?.accounts.nodes
            .filter((a) => !a.onDefaultTier)
            .map((a) => ({ value: a.id, label: a.name }))}
          onSearch={setText}
          onChange={(accounts) => onChange({ ...members, accounts })}
        />
      )}
    </>
  );
}
