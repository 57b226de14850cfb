import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { useViewer } from "~/api/viewer";
import { Badge } from "~/ui/Badge";

const AccountPilotQuery = graphql(`
  query AccountPilot($id: ID!) {
    account(id: $id) {
      id
      pilot {
        id
        name
      }
    }
  }
`);

/** The pilot that an account is in; its name is for those who may see others' tiers. */
export function AccountPilot({ id }: { id: string }) {
  const { viewer, may } = useViewer();
  const mayName = viewer !== undefined && viewer.account === null && may("POLICY_READ");
  const [{ data }] = useQuery({ query: AccountPilotQuery, variables: { id }, pause: !mayName });
  const pilot = data?.account?.pilot;
  return <Badge kind="soft">{pilot ? `In the pilot “${pilot.name}”` : "In a pilot"}</Badge>;
}
