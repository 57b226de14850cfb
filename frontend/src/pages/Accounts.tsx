import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { graphql } from "~/api/gql";
import { useLiveFeed } from "~/api/live";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { useFreshness, useQueryState, useRange } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { statusWords } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { exact, plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { SearchBox } from "~/ui/SearchBox";
import { formatSort, parseSort } from "~/ui/sort";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { Table } from "~/ui/Table";
import { BulkBar, selectColumn } from "./account-bulk";
import { CreateAccountDialog } from "./account-create";
import { accountFilter, statuses } from "./account-filter";
import { LeaksButton } from "./account-leaks";
import { AccountRow, accountColumns, readAccountRow } from "./account-rows";

const AccountsQuery = graphql(
  `
    query Accounts($from: Time!, $to: Time, $first: Int!, $after: String, $filter: AccountFilter, $orderBy: AccountOrder) {
      accounts(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          ...AccountRow
        }
      }
      tiers(first: 1000) {
        nodes {
          id
          name
        }
      }
    }
  `,
  [AccountRow],
);

const pageSize = 50;

export default function Accounts() {
  const { from, to } = useRange();
  const feed = useLiveFeed();
  const [query, change] = useQueryState();
  const [creating, setCreating] = useState(false);
  const search = query.get("search");
  const tierId = query.get("tier");
  const status = query.get("status");
  const label = query.get("label");
  const filter = useMemo(
    () => accountFilter({ search, tierId, status, label }),
    [search, tierId, status, label],
  );
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const after = query.get("after");
  const { may } = useViewer();
  const mayChange = may("ACCOUNTS_WRITE");
  const columns = useMemo(() => {
    const all = accountColumns(feed);
    return mayChange ? [selectColumn(selected, setSelected), ...all] : all;
  }, [feed, mayChange, selected]);
  const sort = parseSort(
    query.get("sort"),
    columns.map((c) => c.id),
    { column: "name", descending: false },
  );
  const { data, error, reload } = usePolled({
    query: AccountsQuery,
    variables: {
      from,
      to,
      first: pageSize,
      after,
      filter,
      orderBy: null,
    },
    everyMS: useFreshness(),
    key: JSON.stringify(filter),
  });
  const rows = useMemo(() => data?.accounts.nodes.map(readAccountRow), [data]);
  const filtered = Object.keys(filter).length > 0;

  if (error && !data)
    return <ErrorState page="Accounts" what="the accounts" error={error} retry={reload} />;
  const create = (
    <Permitted needs="ACCOUNTS_WRITE">
      <Button
        kind="primary"
        icon={<Plus aria-hidden className="size-4" />}
        onClick={() => setCreating(true)}
      >
        New account
      </Button>
    </Permitted>
  );
  return (
    <>
      <PageHead
        title="Accounts"
        note="Who is limited and billed."
        actions={
          <>
            <LeaksButton />
            {create}
          </>
        }
      />
      <StaleNotice error={error} retry={reload} />
      <Panel
        title="All accounts"
        note={data && plural(data.accounts.totalCount, "account")}
        actions={
          <div className="flex flex-wrap gap-2 max-sm:grid max-sm:w-screen max-sm:max-w-full max-sm:grid-cols-2">
            <SearchBox
              label="Search accounts"
              placeholder="Name, label, id, key, identity"
              value={search ?? ""}
              onChange={(text) => change({ search: text, after: null })}
            />
            <select
              aria-label="Status"
              className="control"
              value={status ?? ""}
              onChange={(e) => change({ status: e.target.value, after: null })}
            >
              <option value="">All statuses</option>
              {statuses.map((s) => (
                <option key={s} value={s}>
                  {statusWords(s)}
                </option>
              ))}
            </select>
            <SearchBox
              label="Label"
              placeholder="Label, key=value"
              value={label ?? ""}
              onChange={(text) => change({ label: text, after: null })}
            />
            <select
              aria-label="Tier"
              className="control"
              value={tierId ?? ""}
              onChange={(e) => change({ tier: e.target.value, after: null })}
            >
              <option value="">All tiers</option>
              {data?.tiers.nodes.map((tier) => (
                <option key={tier.id} value={tier.id}>
                  {tier.name}
                </option>
              ))}
            </select>
          </div>
        }
      >
        {mayChange && data && (
          <BulkBar
            selected={selected}
            filter={filter}
            matching={data.accounts.totalCount}
            filtered={filtered}
            tiers={data.tiers.nodes}
            onClear={() => setSelected(new Set())}
          />
        )}
        {rows?.length === 0 ? (
          filtered || after ? (
            <EmptyState
              title="No account matches"
              action={
                <Button
                  onClick={() =>
                    change({ search: null, tier: null, status: null, label: null, after: null })
                  }
                >
                  Show all accounts
                </Button>
              }
            >
              Try fewer or shorter words, or another status, tier or label.
            </EmptyState>
          ) : (
            <EmptyState title="No accounts yet" action={create}>
              An account holds API keys, and is on a tier that says how much it may send.
            </EmptyState>
          )
        ) : (
          <Table
            label="All accounts"
            columns={columns}
            rows={rows}
            rowKey={(a) => a.id}
            skeletonRows={12}
            sort={sort}
            onSort={(next) => change({ sort: formatSort(next) })}
          />
        )}
        <Pager
          page={data?.accounts.pageInfo}
          after={after}
          onTurn={(after) => change({ after })}
          first="First page"
          next="Next page"
          note={`${exact.format(rows?.length ?? 0)} on this page, sorted among themselves`}
        />
      </Panel>
      {creating && (
        <CreateAccountDialog tiers={data?.tiers.nodes ?? []} onClose={() => setCreating(false)} />
      )}
    </>
  );
}
