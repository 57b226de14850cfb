import { useMemo } from "react";
import { graphql } from "~/api/gql";
import { useLiveFeed } from "~/api/live";
import { usePolled } from "~/api/polled";
import { AppLink, useFreshness, useRange } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { presets, type Range, readableGranularity } from "~/app/range";
import { exact } from "~/ui/format";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { Table } from "~/ui/Table";
import { AccountRow, type AccountRowData, accountColumns, readAccountRow } from "./account-rows";
import { Consumers } from "./overview-consumers";
import { Figures } from "./overview-figures";
import { LimitsAtWorkPanel } from "./overview-limits";
import { LiveChart } from "./overview-live";

const OverviewQuery = graphql(
  `
    query Overview($from: Time!, $to: Time, $granularity: Granularity!) {
      usage(from: $from, to: $to, granularity: $granularity) {
        points {
          at
          totals {
            requests
            throttled
            errors
            latency {
              p95
            }
          }
        }
        totals {
          requests
          allowed
          throttled
          refused
          errors
          latency {
            p95
          }
        }
      }
      topConsumers(from: $from, to: $to, first: 20) {
        account {
          ...AccountRow
        }
        totals {
          requests
          allowed
          throttled
          refused
        }
        share
      }
      accounts(first: 20) {
        totalCount
        nodes {
          ...AccountRow
        }
      }
    }
  `,
  [AccountRow],
);

const mostRows = 20;

/** Who is hitting us, is it hurting, and where to turn. */
export default function Overview() {
  const { range, window, from, to } = useRange();
  const feed = useLiveFeed();
  const { data, error, loading, reload } = usePolled({
    query: OverviewQuery,
    variables: { from, to, granularity: readableGranularity(window.toMS - window.fromMS) },
    everyMS: useFreshness(),
  });
  const columns = useMemo(() => accountColumns(feed), [feed]);
  const rows = useMemo(() => {
    if (!data) return undefined;
    // The most active first; when there is room left, the others by name.
    const byId = new Map<string, AccountRowData>();
    const active = data.topConsumers.flatMap((c) => (c.account ? [c.account] : []));
    for (const masked of [...active, ...data.accounts.nodes]) {
      const row = readAccountRow(masked);
      if (byId.size < mostRows && !byId.has(row.id)) byId.set(row.id, row);
    }
    return [...byId.values()];
  }, [data]);
  const total = data?.accounts.totalCount ?? 0;

  if (error && !data)
    return <ErrorState page="Overview" what="the overview" error={error} retry={reload} />;
  return (
    <>
      <PageHead title="Overview" />
      <StaleNotice error={error} retry={reload} />
      <Figures usage={data?.usage} span={spanLabel(range)} />
      <LiveChart />
      <div className="grid gap-4 min-[1400px]:grid-cols-[minmax(0,1fr)_19rem] min-[1400px]:items-start">
        <Panel
          title="Accounts"
          note={`Most active first, ${spanLabel(range)}`}
          actions={
            <AppLink to={paths.accounts} className="text-muted hover:text-accent hover:underline">
              {total > mostRows ? `All ${exact.format(total)}` : "All accounts"}
            </AppLink>
          }
        >
          {rows?.length === 0 ? (
            <EmptyState
              title="No accounts yet"
              action={
                <Permitted needs="ACCOUNTS_WRITE">
                  <AppLink to={paths.accounts}>Create the first one</AppLink>
                </Permitted>
              }
            >
              An account is who is limited and billed.
            </EmptyState>
          ) : (
            <Table
              label="Accounts"
              columns={columns}
              rows={rows}
              rowKey={(a) => a.id}
              initialSort={{ column: "requests", descending: true }}
            />
          )}
        </Panel>
        <Consumers consumers={data?.topConsumers} loading={loading} span={spanLabel(range)} />
      </div>
      <LimitsAtWorkPanel span={spanLabel(range)} />
    </>
  );
}

const spanLabel = (range: Range) =>
  range.preset === null ? "in the chosen range" : presets[range.preset].label.toLowerCase();
