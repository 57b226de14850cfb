import { graphql, type ResultOf } from "~/api/gql";

const FiguresFields = graphql(`
  fragment ExploredFigures on UsageFigures @_unmask {
    requests
    throttled
    shadowed
    errors
    cost
    bytesIn
    bytesOut
    corrected
    imported
    late
    meters {
      meterId
      amount
    }
  }
`);

// Only the column that is shown is asked for: an answer may have 60,000 points.
const ColumnFields = graphql(`
  fragment ExploredColumns on UsageColumns @_unmask {
    requests @include(if: $requests)
    throttled @include(if: $throttled)
    shadowed @include(if: $shadowed)
    errors @include(if: $errors)
    cost @include(if: $cost)
    bytesIn @include(if: $bytesIn)
    bytesOut @include(if: $bytesOut)
    meters @include(if: $meters) {
      amount
    }
  }
`);

const GroupFields = graphql(
  `
    fragment ExploredGroup on UsageGroup @_unmask {
      label
      values
      totals {
        ...ExploredFigures
      }
      previous {
        ...ExploredFigures
      }
      series {
        ...ExploredColumns
      }
      previousSeries @include(if: $compared) {
        ...ExploredColumns
      }
    }
  `,
  [FiguresFields, ColumnFields],
);

/** Counts by the groups that are asked for. */
export const ExploreCounts = graphql(
  `
    query ExploreCounts(
      $input: ExploreInput!
      $requests: Boolean!
      $throttled: Boolean!
      $shadowed: Boolean!
      $errors: Boolean!
      $cost: Boolean!
      $bytesIn: Boolean!
      $bytesOut: Boolean!
      $meters: Boolean!
      $compared: Boolean!
    ) {
      explore(input: $input) {
        from
        to
        points
        groupCount
        pageInfo {
          hasNextPage
          endCursor
        }
        groups {
          ...ExploredGroup
        }
        other {
          ...ExploredGroup
        }
        totals {
          ...ExploredFigures
        }
        series {
          ...ExploredColumns
        }
        previous {
          totals {
            ...ExploredFigures
          }
          series {
            ...ExploredColumns
          }
        }
      }
    }
  `,
  [FiguresFields, ColumnFields, GroupFields],
);

const LatencyFigures = graphql(
  `
    fragment ExploredLatency on UsageFigures @_unmask {
      ...ExploredFigures
      latency {
        p50
        p95
        p99
      }
    }
  `,
  [FiguresFields],
);

const LatencyColumns = graphql(`
  fragment ExploredLatencyColumns on UsageColumns @_unmask {
    p50 @include(if: $p50)
    p95 @include(if: $p95)
    p99 @include(if: $p99)
  }
`);

const LatencyGroup = graphql(
  `
    fragment ExploredLatencyGroup on UsageGroup @_unmask {
      label
      values
      totals {
        ...ExploredLatency
      }
      previous {
        ...ExploredLatency
      }
      series {
        ...ExploredLatencyColumns
      }
      previousSeries @include(if: $compared) {
        ...ExploredLatencyColumns
      }
    }
  `,
  [LatencyFigures, LatencyColumns],
);

/** Latencies by group. A query of its own, because distributions cost more than sums. */
export const ExploreLatency = graphql(
  `
    query ExploreLatency(
      $input: ExploreInput!
      $p50: Boolean!
      $p95: Boolean!
      $p99: Boolean!
      $compared: Boolean!
    ) {
      explore(input: $input) {
        from
        to
        points
        groupCount
        pageInfo {
          hasNextPage
          endCursor
        }
        groups {
          ...ExploredLatencyGroup
        }
        other {
          ...ExploredLatencyGroup
        }
        totals {
          ...ExploredLatency
        }
        series {
          ...ExploredLatencyColumns
        }
        previous {
          totals {
            ...ExploredLatency
          }
          series {
            ...ExploredLatencyColumns
          }
        }
      }
    }
  `,
  [LatencyFigures, LatencyColumns, LatencyGroup],
);

export type Report =
  | ResultOf<typeof ExploreCounts>["explore"]
  | ResultOf<typeof ExploreLatency>["explore"];
