import { graphql, type ResultOf } from "~/api/gql";
import { LimitFields } from "~/limit/fields";

/** A tier as it is edited and published: its current version, its draft, its accounts. */
export const TierDetails = graphql(
  `
  fragment TierDetails on Tier @_unmask {
    id
    name
    revision
    accountCount
    defaultAccountCount
    limits {
      ...LimitFields
    }
    version {
      id
      number
      note
      publishedAt
      publishedBy {
        name
      }
    }
    draft {
      id
      note
      createdAt
      savedBy {
        name
      }
      limits {
        ...LimitFields
      }
    }
  }
`,
  [LimitFields],
);

export type EditedTier = ResultOf<typeof TierDetails>;

/** How many accounts stay where they are until a move takes them along. */
export const ownAccounts = (tier: Pick<EditedTier, "accountCount" | "defaultAccountCount">) =>
  tier.accountCount - tier.defaultAccountCount;
