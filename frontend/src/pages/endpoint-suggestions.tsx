import { useState } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { useNow, useQueryState } from "~/app/location";
import { Button } from "~/ui/Button";
import { exact, percent, plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import { SuggestionsDialog } from "./endpoint-suggestions-create";

const SuggestionsQuery = graphql(`
  query SuggestedEndpoints($after: String) {
    suggestedEndpoints(first: 50, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        method
        template
        requests
        share
        pathCount
        examples
        lastSeenAt
      }
    }
  }
`);

export type Suggestion = ResultOf<typeof SuggestionsQuery>["suggestedEndpoints"]["nodes"][number];

export const nameOf = (s: Suggestion) => `${s.method} ${s.template}`;

const everyMS = 15_000;

/** Endpoints that traffic suggests, and the button that makes them. */
export function EndpointSuggestions() {
  const [query, change] = useQueryState();
  const after = query.get("suggested");
  const { data, error, reload } = usePolled({
    query: SuggestionsQuery,
    variables: { after },
    everyMS,
  });
  const { may } = useViewer();
  const [selected, setSelected] = useState<ReadonlyMap<string, Suggestion>>(new Map());
  const [creating, setCreating] = useState(false);
  const nowMS = useNow(10_000);
  const page = data?.suggestedEndpoints;
  const select = (suggestion: Suggestion, on: boolean) => {
    const next = new Map(selected);
    if (on) next.set(nameOf(suggestion), suggestion);
    else next.delete(nameOf(suggestion));
    setSelected(next);
  };
  const mayCreate = may("POLICY_WRITE");
  const create = mayCreate && page && page.totalCount > 0 && (
    <Button
      disabled={selected.size === 0}
      title={selected.size === 0 ? "Select some first" : undefined}
      onClick={() => setCreating(true)}
    >
      {selected.size === 0 ? "Create endpoints" : `Create ${plural(selected.size, "endpoint")}`}
    </Button>
  );
  return (
    <Panel
      title="From traffic"
      note={
        page && page.totalCount > 0
          ? `${plural(page.totalCount, "template")} for paths that no endpoint matches, of a sample of the last 7 days`
          : undefined
      }
      actions={create || undefined}
    >
      {error && !data ? (
        <ErrorState what="what traffic suggests" error={error} retry={reload} />
      ) : page?.totalCount === 0 ? (
        <EmptyState title="Nothing to suggest">
          Send requests with an account’s key through Envoy. Those that are answered at paths that
          no endpoint matches show up here within seconds, as templates to make endpoints of.
        </EmptyState>
      ) : (
        <>
          <StaleNotice error={error} retry={reload} />
          <Table
            label="Suggested endpoints"
            columns={columns(nowMS, mayCreate ? { selected, select } : null)}
            rows={page?.nodes}
            rowKey={nameOf}
            maxHeight="max-h-96"
          />
          <Pager
            page={page?.pageInfo}
            after={after}
            onTurn={(to) => change({ suggested: to })}
            first="First"
            next="Next"
          />
        </>
      )}
      {creating && (
        <SuggestionsDialog
          suggestions={[...selected.values()]}
          onDone={() => setSelected(new Map())}
          onClose={() => setCreating(false)}
        />
      )}
    </Panel>
  );
}

type Selecting = {
  selected: ReadonlyMap<string, Suggestion>;
  select: (suggestion: Suggestion, on: boolean) => void;
};

function columns(nowMS: number, selecting: Selecting | null): Column<Suggestion>[] {
  const box: Column<Suggestion> = {
    id: "select",
    head: "Select",
    hideHead: true,
    cell: (s) => (
      <input
        type="checkbox"
        aria-label={`Select ${nameOf(s)}`}
        className="size-4 accent-(--accent)"
        checked={selecting?.selected.has(nameOf(s)) ?? false}
        onChange={(e) => selecting?.select(s, e.target.checked)}
      />
    ),
  };
  return [
    ...(selecting ? [box] : []),
    {
      id: "endpoint",
      head: "Endpoint",
      cell: (s) => (
        <span className="font-mono text-small break-all">
          <span className="font-medium text-muted">{s.method}</span> {s.template}
        </span>
      ),
    },
    {
      id: "share",
      head: "Share",
      numeric: true,
      cell: (s) => (
        <span title={`${plural(s.requests, "request")} of the sample`}>{percent(s.share)}</span>
      ),
    },
    {
      id: "paths",
      head: "Paths",
      numeric: true,
      from: "sm",
      cell: (s) => exact.format(s.pathCount),
    },
    {
      id: "examples",
      head: "Such as",
      from: "md",
      cell: (s) => (
        <span className="font-mono text-small break-all text-muted" title={s.examples.join("\n")}>
          {s.examples[0]}
        </span>
      ),
    },
    {
      id: "seen",
      head: "Last seen",
      from: "lg",
      cell: (s) => <When at={s.lastSeenAt} nowMS={nowMS} />,
    },
  ];
}
