import { useMemo } from "react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { useQueryState, useRange } from "~/app/location";
import { granularityOf, onlyAccount, questionFromQuery, zoneName } from "./question";

const OnlyAccountQuery = graphql(`
  query ExploredAccount($id: ID!) {
    account(id: $id) {
      id
      name
      timeZone
    }
  }
`);

/** The question in the URL, with what it takes to ask it. */
export function useQuestion() {
  const [query, change] = useQueryState();
  const { window } = useRange();
  const text = query.toString();
  const question = useMemo(() => questionFromQuery(new URLSearchParams(text)), [text]);
  const id = onlyAccount(question);
  const [{ data }] = useQuery({
    query: OnlyAccountQuery,
    variables: { id: id ?? "" },
    pause: id === null,
  });
  const account = id === null ? null : (data?.account ?? null);
  const spanMS = window.toMS - window.fromMS;
  return {
    question,
    change,
    spanMS,
    granularity: granularityOf(question, spanMS),
    /** The one account that it is about; null until it is known. */
    account,
    zone: zoneName(question.zone, account?.timeZone ?? null),
    /** The account's own time zone is wanted, and not known yet. */
    waiting: question.zone === "account" && id !== null && data === undefined,
  };
}

export type Asked = ReturnType<typeof useQuestion>;
