import { graphql } from "~/api/gql";
import { LimitFields } from "./fields";

/** How full one bucket of a limit is. */
export const LevelFields = graphql(`
  fragment LevelFields on Level @_unmask {
    limit {
      id
    }
    key {
      id
      name
    }
    identity {
      id
      value
    }
    capacity
    remaining
    used
    observedAt
  }
`);

/** How much of a quota is used, in the period that runs. */
export const QuotaFields = graphql(
  `
  fragment QuotaFields on QuotaStanding @_unmask {
    limit {
      ...LimitFields
    }
    tier {
      id
      name
    }
    key {
      id
      name
    }
    identity {
      id
      value
    }
    periodStart
    periodEnd
    amount
    consumed
    outstanding
    remaining
    writtenOff
    overspent
    overage
  }
`,
  [LimitFields],
);
