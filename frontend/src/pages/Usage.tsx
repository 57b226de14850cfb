import { useQuery } from "urql";
import { graphql, readFragment } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useFreshness, useQueryState, useRange } from "~/app/location";
import { type Granularity, isAnswerable, readableGranularity } from "~/app/range";
import { decisions } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { PageHead } from "~/ui/Panel";
import { StaleNotice } from "~/ui/states";
import { TotalsRow, UsagePanel, usageTotals } from "./usage-panel";

const UsageQuery = graphql(
  `
    query Usage($from: Time!, $to: Time, $granularity: Granularity!, $filter: UsageFilter) {
      usage(from: $from, to: $to, granularity: $granularity, filter: $filter) {
        points {
          at
          totals {
            ...UsageTotals
          }
        }
        totals {
          ...UsageTotals
        }
      }
    }
  `,
  [usageTotals],
);

const ChoicesQuery = graphql(`
  query UsageChoices($account: ID!, $named: Boolean!) {
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
    endpoints {
      id
      method
      template
    }
  }
`);

const granularities: Array<{ value: Granularity; label: string }> = [
  { value: "MINUTE", label: "Minutes" },
  { value: "HOUR", label: "Hours" },
  { value: "DAY", label: "Days" },
  { value: "MONTH", label: "Months" },
];
type Decision = keyof typeof decisions;
const isDecision = (s: string | null): s is Decision => s !== null && Object.hasOwn(decisions, s);
const isGranularity = (s: string | null): s is Granularity =>
  granularities.some((g) => g.value === s);

/** Usage over time, narrowed by filters; all of it in the URL. */
export default function Usage() {
  const { from, to, window } = useRange();
  const [query, change] = useQueryState();
  const account = query.get("account");
  const endpoint = query.get("endpoint");
  const decision = query.get("decision");
  const status = statusOf(query.get("status"));
  const spanMS = window.toMS - window.fromMS;
  const asked = query.get("by");
  const granularity =
    isGranularity(asked) && isAnswerable(asked, spanMS) ? asked : readableGranularity(spanMS);
  const [{ data: choices }] = useQuery({
    query: ChoicesQuery,
    variables: { account: account ?? "", named: account !== null },
  });
  const usage = usePolled({
    query: UsageQuery,
    variables: {
      from,
      to,
      granularity,
      filter: {
        ...(account && { accountIds: [account] }),
        ...(endpoint && { endpointIds: [endpoint] }),
        ...(status !== null && { statuses: [status] }),
        ...(isDecision(decision) && { decisions: [decision] }),
      },
    },
    everyMS: useFreshness(),
  });
  const filtered = Boolean(account || endpoint || decision || status !== null);
  const named = choices?.account;
  const listed = choices?.accounts.nodes ?? [];
  const accounts = named && !listed.some((a) => a.id === named.id) ? [named, ...listed] : listed;

  return (
    <>
      <PageHead title="Usage" note="What was counted, request by request." />
      <search aria-label="Filters" className="flex flex-wrap items-center gap-2">
        <Choice
          label="Granularity"
          value={granularity}
          onChange={(by) => change({ by })}
          options={granularities.map((g) => ({
            ...g,
            disabled: !isAnswerable(g.value, spanMS),
          }))}
        />
        <Choice
          label="Account"
          value={account ?? ""}
          onChange={(id) => change({ account: id })}
          options={[
            { value: "", label: "All accounts" },
            ...accounts.map((a) => ({ value: a.id, label: a.name })),
          ]}
        />
        <Choice
          label="Endpoint"
          value={endpoint ?? ""}
          onChange={(id) => change({ endpoint: id })}
          options={[
            { value: "", label: "All endpoints" },
            ...(choices?.endpoints ?? []).map((e) => ({
              value: e.id,
              label: `${e.method} ${e.template}`,
            })),
          ]}
        />
        <Choice
          label="Decision"
          value={isDecision(decision) ? decision : ""}
          onChange={(value) => change({ decision: value })}
          options={[
            { value: "", label: "All decisions" },
            ...Object.entries(decisions).map(([value, { label }]) => ({ value, label })),
          ]}
        />
        <input
          aria-label="Status code"
          placeholder="Any status"
          inputMode="numeric"
          maxLength={3}
          className="control w-28"
          value={query.get("status") ?? ""}
          onChange={(e) => change({ status: e.target.value.replace(/\D/g, "") })}
        />
        {filtered && (
          <Button
            kind="quiet"
            onClick={() => change({ account: null, endpoint: null, decision: null, status: null })}
          >
            Clear filters
          </Button>
        )}
      </search>
      {usage.data && <StaleNotice error={usage.error} retry={usage.reload} />}
      <UsagePanel title="Requests" file="weir-usage" usage={usage} granularity={granularity} />
      <TotalsRow totals={usage.data && readFragment(usageTotals, usage.data.usage.totals)} />
    </>
  );
}

/** A whole status code; while it is being typed, there is none. */
function statusOf(text: string | null): number | null {
  return text !== null && (/^\d{3}$/.test(text) || text === "0") ? Number(text) : null;
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: Array<{ value: string; label: string; disabled?: boolean }>;
  onChange: (value: string) => void;
}) {
  return (
    <select
      aria-label={label}
      className="control max-w-48"
      value={value}
      onChange={(e) => onChange(e.target.value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value} disabled={option.disabled}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
