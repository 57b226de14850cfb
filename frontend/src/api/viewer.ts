import { useQuery } from "urql";
import { graphql, type ResultOf } from "./gql";

const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      kind
      name
      permissions
      signOutUrl
      development
      account {
        id
        name
      }
      member {
        id
        name
        email
        role
        hasPassword
        hasTotp
      }
    }
  }
`);

export type Viewer = ResultOf<typeof ViewerQuery>["viewer"];
export type Permission = Viewer["permissions"][number];

/** Who is asking; undefined until the server has said. */
export function useViewer() {
  const [{ data }] = useQuery({ query: ViewerQuery });
  const viewer = data?.viewer;
  /** Whether they may; until the server has said, and for what takes nothing, they may. */
  const may = (permission: Permission | undefined) =>
    permission === undefined || !viewer || viewer.permissions.includes(permission);
  return { viewer, may };
}
