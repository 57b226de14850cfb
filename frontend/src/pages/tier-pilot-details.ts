import { graphql, type ResultOf } from "~/api/gql";
import { LimitFields } from "~/limit/fields";

/** A tier and its pilot, the one that runs or was the last. */
export const PilotDetails = graphql(
  `
  fragment PilotDetails on Tier @_unmask {
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
    }
    pilot {
      id
      name
      state
      percent
      accountIds
      accountCount
      startedAt
      startedBy {
        name
      }
      endedAt
      promotedTo {
        id
        number
      }
      version {
        id
        limits {
          ...LimitFields
        }
      }
    }
  }
`,
  [LimitFields],
);

export type PilotedTier = ResultOf<typeof PilotDetails>;
export type Pilot = NonNullable<PilotedTier["pilot"]>;

/** A percentage as people type it, 0 to 100; null while it is none. */
export function percentOf(text: string): number | null {
  const digits = text.replace(/\s*%?\s*$/, "").trim();
  if (!/^\d{1,3}$/.test(digits)) return null;
  const value = Number(digits);
  return value <= 100 ? value : null;
}
