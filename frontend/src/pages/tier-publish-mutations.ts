import { graphql } from "~/api/gql";
import { TierDetails } from "./tier-details";

export const PublishTier = graphql(
  `
  mutation PublishTier($input: PublishTierInput!) {
    publishTier(input: $input) {
      snapshot
      tier {
        ...TierDetails
        move {
          id
        }
      }
    }
  }
`,
  [TierDetails],
);

export const UpdateTier = graphql(
  `
  mutation UpdateTier($input: UpdateTierInput!) {
    updateTier(input: $input) {
      snapshot
      tier {
        ...TierDetails
      }
    }
  }
`,
  [TierDetails],
);

export const SaveTierDraft = graphql(
  `
  mutation SaveTierDraft($input: SaveTierDraftInput!) {
    saveTierDraft(input: $input) {
      snapshot
      tier {
        ...TierDetails
      }
    }
  }
`,
  [TierDetails],
);

export const DiscardTierDraft = graphql(
  `
  mutation DiscardTierDraft($tierId: ID!, $revision: Int) {
    discardTierDraft(tierId: $tierId, revision: $revision) {
      snapshot
      tier {
        ...TierDetails
      }
    }
  }
`,
  [TierDetails],
);
