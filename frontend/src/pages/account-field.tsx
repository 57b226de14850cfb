import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { type Pick, PickField } from "~/ui/PickField";

const FindAccounts = graphql(`
  query FindAccounts($text: String) {
    accounts(first: 20, filter: { text: $text }) {
      nodes {
        id
        name
        tier {
          name
        }
      }
    }
  }
`);

/** Chooses one account, by a part of its name, a label, an id or the beginning of a key. */
export function AccountField({
  label = "Account",
  hint,
  error,
  chosen,
  onChange,
}: {
  label?: string;
  hint?: string;
  error?: string | undefined;
  chosen: Pick | null;
  onChange: (account: Pick | null) => void;
}) {
  const [text, setText] = useState("");
  const search = useDeferredValue(text);
  const [{ data }] = useQuery({ query: FindAccounts, variables: { text: search || null } });
  return (
    <PickField
      label={label}
      hint={hint}
      error={error}
      placeholder="Search accounts"
      chosen={chosen ? [chosen] : []}
      picks={data?.accounts.nodes.map((a) => ({ value: a.id, label: a.name, note: a.tier.name }))}
      onSearch={setText}
      onChange={([account = null]) => onChange(account)}
    />
  );
}
