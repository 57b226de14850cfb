import { graphql, type ResultOf, type VariablesOf } from "~/api/gql";

const PreviewSeries = graphql(`
  fragment PreviewSeries on Preview @_unmask {
    pointMinutes
    points {
      start
      harm {
        throttled
        atLeast
        atMost
        today {
          atLeast
          atMost
        }
      }
    }
  }
`);

export const PreviewQuery = graphql(
  `
  query PreviewTier($input: PreviewInput!) {
    preview(input: $input) {
      from
      to
      accountCount
      surely
      possibly
      surelyToday
      possiblyToday
      total {
        requests
        throttled
        atLeast
        atMost
        today {
          atLeast
          atMost
        }
      }
      accounts {
        account {
          id
          name
        }
        harm {
          requests
          throttled
          atLeast
          atMost
          today {
            atLeast
            atMost
          }
        }
        firstAt
        worstAt
        limitName
      }
      ...PreviewSeries
    }
  }
`,
  [PreviewSeries],
);

export const PreviewAccountQuery = graphql(
  `
  query PreviewAccount($input: PreviewInput!) {
    preview(input: $input) {
      ...PreviewSeries
    }
  }
`,
  [PreviewSeries],
);

export type Report = ResultOf<typeof PreviewQuery>["preview"];
export type PreviewedAccount = Report["accounts"][number];
export type Series = ResultOf<typeof PreviewSeries>;
export type PreviewInput = VariablesOf<typeof PreviewQuery>["input"];

/** A report, and what was asked for it. */
export type Played = { report: Report; input: PreviewInput };
