import { useDeferredValue, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { useRange } from "~/app/location";
import {
  type Dimension,
  dimensions,
  filterChange,
  filterInput,
  isFiltered,
  none,
  type Question,
} from "~/explore/question";
import { decisions } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { exact } from "~/ui/format";
import { FilterChip, type Pick, PickList } from "./usage-picker";

const AccountPicks = graphql(`
  query AccountPicks($search: String) {
    accounts(first: 50, filter: { text: $search }) {
      nodes {
        id
        name
        tier {
          name
        }
      }
    }
  }
`);

const NamesQuery = graphql(`
  query FilterNames {
    endpoints(first: 1000) {
      nodes {
        id
        method
        template
      }
    }
    tiers(first: 1000) {
      nodes {
        id
        name
      }
    }
  }
`);

const AccountName = graphql(`
  query AccountName($id: ID!) {
    account(id: $id) {
      id
      name
    }
  }
`);

/** Keys, identities and status codes are found by their usage in the range. */
const UsedQuery = graphql(`
  query UsedValues($input: ExploreInput!) {
    explore(input: $input) {
      groups {
        label
        values
        totals {
          requests
        }
      }
    }
  }
`);

const nobody: Partial<Record<Dimension, string>> = {
  account: "Nobody (no account)",
  key: "No key",
  endpoint: "No endpoint",
  tier: "No tier",
};

type Change = (changes: Record<string, string | null>) => void;

/** What narrows the question, as chips. */
export function UsageFilters({ question, change }: { question: Question; change: Change }) {
  const { filter } = question;
  const [{ data: names }] = useQuery({ query: NamesQuery });
  const [{ data: account }] = useQuery({
    query: AccountName,
    variables: { id: filter.account?.[0] ?? "" },
    pause: !filter.account || filter.account[0] === none,
  });
  const endpoints = names?.endpoints.nodes.map((e) => ({
    value: e.id,
    label: `${e.method} ${e.template}`,
  }));
  const tiers = names?.tiers.nodes.map((t) => ({ value: t.id, label: t.name }));
  const keys = useUsed("key", question, filter.key === undefined);
  const chip = (dimension: Dimension) => ({
    label: dimensions[dimension].label,
    chosen: filter[dimension] ?? [],
    onChange: (values: string[]) => change(filterChange(dimension, values)),
  });
  const named = (dimension: Dimension, picks: Pick[] | undefined) => (value: string) =>
    (value === none && nobody[dimension]) || picks?.find((p) => p.value === value)?.label || "one";
  const accountName = (value: string) => {
    if (value === none) return "Nobody";
    return account?.account?.id === value ? account.account.name : "one";
  };
  return (
    <search aria-label="Filters" className="flex flex-wrap items-center gap-2">
      <FilterChip {...chip("account")} nameOf={accountName}>
        <AccountList {...chip("account")} />
      </FilterChip>
      <FilterChip {...chip("key")} nameOf={named("key", keys)}>
        <UsedList {...chip("key")} dimension="key" question={question} />
      </FilterChip>
      <FilterChip {...chip("endpoint")} nameOf={named("endpoint", endpoints)}>
        <PickList {...chip("endpoint")} find={(s) => matching(endpoints, s, "endpoint")} />
      </FilterChip>
      <FilterChip {...chip("tier")} nameOf={named("tier", tiers)}>
        <PickList {...chip("tier")} find={(s) => matching(tiers, s, "tier")} />
      </FilterChip>
      <FilterChip {...chip("status")} nameOf={(value) => (value === "0" ? "none" : value)}>
        <UsedList {...chip("status")} dimension="status" question={question} />
      </FilterChip>
      <FilterChip {...chip("decision")} nameOf={named("decision", decisionPicks)}>
        <PickList {...chip("decision")} find={(s) => matching(decisionPicks, s)} />
      </FilterChip>
      {isFiltered(question) && (
        <Button
          kind="quiet"
          onClick={() =>
            change(Object.fromEntries(Object.keys(dimensions).map((name) => [name, null])))
          }
        >
          Clear filters
        </Button>
      )}
    </search>
  );
}

const decisionPicks = Object.entries(decisions).map(([value, { label }]) => ({ value, label }));

type ListProps = { label: string; chosen: string[]; onChange: (values: string[]) => void };

function AccountList(props: ListProps) {
  const [search, setSearch] = useState("");
  const [{ data }] = useQuery({
    query: AccountPicks,
    variables: { search: useDeferredValue(search) || null },
  });
  const found = data?.accounts.nodes.map((a) => ({
    value: a.id,
    label: a.name,
    note: a.tier.name,
  }));
  return (
    <PickList
      {...props}
      onSearch={setSearch}
      find={(text) => found && [...found, ...noneOf("account", text)]}
    />
  );
}

function UsedList({
  dimension,
  question,
  ...props
}: ListProps & { dimension: "key" | "status"; question: Question }) {
  const used = useUsed(dimension, question, false);
  const find = dimension === "status" ? withTyped : matching;
  return <PickList {...props} find={(search) => find(used, search)} />;
}

/** The values of a dimension that have usage in the range, most requests first. */
function useUsed(dimension: Dimension, question: Question, pause: boolean): Pick[] | undefined {
  const { from, to } = useRange();
  const { account } = question.filter;
  const [{ data, error }] = useQuery({
    query: UsedQuery,
    variables: {
      input: {
        from,
        to,
        groupBy: [dimensions[dimension].value],
        filter: filterInput(account ? { account } : {}),
        top: 100,
      },
    },
    pause,
  });
  if (error) return [];
  return data?.explore.groups.map((g) => ({
    value: g.values[0] ?? none,
    label: g.label,
    note: exact.format(g.totals.requests),
  }));
}

function matching(
  picks: Pick[] | undefined,
  search: string,
  dimension?: Dimension,
): Pick[] | undefined {
  const wanted = search.toLowerCase();
  const found = picks?.filter((p) => p.label.toLowerCase().includes(wanted));
  return found && dimension ? [...found, ...noneOf(dimension, search)] : found;
}

function noneOf(dimension: Dimension, search: string): Pick[] {
  const label = nobody[dimension] ?? "";
  return label.toLowerCase().includes(search.toLowerCase()) ? [{ value: none, label }] : [];
}

/** Statuses that were seen, and the one that is being typed. */
function withTyped(picks: Pick[] | undefined, search: string): Pick[] | undefined {
  const found = matching(picks, search);
  const isNew = /^\d{3}$/.test(search) && !found?.some((p) => p.value === search);
  return isNew ? [...(found ?? []), { value: search, label: search, note: "not seen" }] : found;
}
