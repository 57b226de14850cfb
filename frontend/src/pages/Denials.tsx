import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useFreshness, useQueryState } from "~/app/location";
import { LimitFields } from "~/limit/fields";
import { Button } from "~/ui/Button";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { Table } from "~/ui/Table";
import { DenialAnswer } from "./denial-answer";
import { denialColumns } from "./denial-rows";

const DenialFields = graphql(
  `
    fragment DenialFields on Denial @_unmask {
      id
      at
      requestId
      decision
      account {
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
      endpoint {
        id
        method
        template
      }
      method
      path
      limit {
        ...LimitFields
      }
      retryAfterMs
      levels {
        limitId
        remaining
        amount
        limit {
          ...LimitFields
        }
      }
      explanation
    }
  `,
  [LimitFields],
);

export type Denial = ResultOf<typeof DenialFields>;

const DenialsQuery = graphql(
  `
    query Denials($accountId: ID, $after: String) {
      denials(accountId: $accountId, after: $after, first: 50) {
        nodes {
          ...DenialFields
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [DenialFields],
);

const LookupQuery = graphql(
  `
    query DenialLookup($requestId: String!) {
      denials(requestId: $requestId, first: 10) {
        nodes {
          ...DenialFields
        }
      }
    }
  `,
  [DenialFields],
);

const ChoicesQuery = graphql(`
  query DenialChoices($account: ID!, $named: Boolean!) {
    accounts(first: 200) {
      nodes {
        id
        name
      }
    }
    account(id: $account) @include(if: $named) {
      id
      name
    }
  }
`);

/** Why requests were limited: one by its id, and the newest of all. */
export default function Denials() {
  const [query, change] = useQueryState();
  const requestId = query.get("request") ?? "";
  return (
    <>
      <PageHead
        title="Denials"
        note="Why was this request limited? A sample of refused requests is kept for 24 hours."
      />
      <Lookup requestId={requestId} onLookUp={(request) => change({ request })} />
      {requestId !== "" && <Answer key={requestId} requestId={requestId} />}
      <Newest onLookUp={(request) => change({ request })} />
    </>
  );
}

function Lookup({
  requestId,
  onLookUp,
}: {
  requestId: string;
  onLookUp: (requestId: string | null) => void;
}) {
  const [text, setText] = useState(requestId);
  useEffect(() => setText(requestId), [requestId]);
  return (
    <search aria-label="By request id">
      <form
        className="flex flex-wrap items-center gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          onLookUp(text.trim() || null);
        }}
      >
        <input
          type="search"
          aria-label="Request id"
          placeholder="Request id, from the x-request-id field or the 429’s body"
          autoComplete="off"
          spellCheck={false}
          maxLength={128}
          className="control min-w-0 grow basis-64 font-mono text-small sm:max-w-xl"
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        <Button type="submit" kind="primary" icon={<Search aria-hidden className="size-4" />}>
          Look up
        </Button>
        {requestId !== "" && <Button onClick={() => onLookUp(null)}>Clear</Button>}
      </form>
    </search>
  );
}

/** A denial arrives a second or two after its request: it is asked for again until then. */
const askAgainMS = 2_000;

function Answer({ requestId }: { requestId: string }) {
  const [found, setFound] = useState(false);
  const { data, error, loading, reload } = usePolled({
    query: LookupQuery,
    variables: { requestId },
    everyMS: found ? null : askAgainMS,
  });
  const denials = data?.denials.nodes;
  const any = (denials?.length ?? 0) > 0;
  useEffect(() => setFound(any), [any]);
  return (
    <DenialAnswer
      requestId={requestId}
      denials={denials}
      loading={loading}
      error={error}
      retry={reload}
    />
  );
}

function Newest({ onLookUp }: { onLookUp: (requestId: string) => void }) {
  const [query, change] = useQueryState();
  const account = query.get("account");
  const after = query.get("after");
  const [{ data: choices }] = useQuery({
    query: ChoicesQuery,
    variables: { account: account ?? "", named: account !== null },
  });
  const { data, error, reload } = usePolled({
    query: DenialsQuery,
    variables: { accountId: account, after },
    everyMS: useFreshness(),
    key: `${account} ${after}`,
  });
  const named = choices?.account;
  const listed = choices?.accounts.nodes ?? [];
  const accounts = named && !listed.some((a) => a.id === named.id) ? [named, ...listed] : listed;
  const page = data?.denials;
  return (
    <Panel
      title="Newest denials"
      note="A sample of each Envoy’s"
      actions={
        <select
          aria-label="Account"
          className="control max-w-56"
          value={account ?? ""}
          onChange={(e) => change({ account: e.target.value, after: null })}
        >
          <option value="">All accounts</option>
          {accounts.map((a) => (
            <option key={a.id} value={a.id}>
              {a.name}
            </option>
          ))}
        </select>
      }
    >
      {error && !data ? (
        <ErrorState what="the denials" error={error} retry={reload} />
      ) : page?.nodes.length === 0 ? (
        <EmptyState
          title={account ? "No denials of this account" : "No denials"}
          action={
            account && <Button onClick={() => change({ account: null })}>Show all accounts</Button>
          }
        >
          Requests that were refused in the last 24 hours show up here, a second or two later.
        </EmptyState>
      ) : (
        <>
          {data && error && (
            <div className="px-4 pb-3">
              <StaleNotice error={error} retry={reload} />
            </div>
          )}
          <Table
            label="Newest denials"
            columns={denialColumns(onLookUp)}
            rows={page?.nodes}
            rowKey={(d) => d.id}
            skeletonRows={8}
          />
        </>
      )}
      <Pager page={page?.pageInfo} after={after} onTurn={(after) => change({ after })} />
    </Panel>
  );
}
