import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./graphql-env";

/** Parses a GraphQL document and types it from the schema. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: {
    /** RFC 3339, UTC, to the millisecond. */
    Time: string;
    /** A calendar date, such as 2026-01-31. */
    Date: string;
    /** Up to 2^53 arrives exactly; counts stay below that. */
    Int64: number;
  };
}>();

export { type FragmentOf, type ResultOf, readFragment, type VariablesOf } from "gql.tada";
