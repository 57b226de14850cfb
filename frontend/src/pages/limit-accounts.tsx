import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import type { Measure } from "~/limit/fields";
import type { VerdictTotals } from "~/limit/verdicts";
import { figure } from "~/limit/words";
import { exact } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import type { Effect } from "./LimitPage";

/** How many the API lists at most. */
const mostListed = 20;

type Row = Effect["accounts"][number];

/** Whom a limit affected most. */
export function AffectedAccounts({
  accounts,
  measure,
}: {
  accounts: Row[] | undefined;
  measure: Measure;
}) {
  return (
    <Panel
      title="Affected accounts"
      note={accounts?.length === mostListed && `The ${mostListed} it affected most`}
    >
      {accounts?.length === 0 ? (
        <EmptyState title="It affected no account">
          Accounts show up here once a request of theirs goes over this limit.
        </EmptyState>
      ) : (
        <Table
          label="Affected accounts"
          columns={columns(measure)}
          rows={accounts}
          rowKey={(a) => a.account?.id ?? "none"}
          skeletonRows={3}
        />
      )}
    </Panel>
  );
}

function columns(measure: Measure): Column<Row>[] {
  const count = (id: string, head: string, of: (t: VerdictTotals) => number): Column<Row> => ({
    id,
    head,
    numeric: true,
    sort: (a) => of(a.totals),
    cell: (a) =>
      of(a.totals) === 0 ? <span className="text-faint">0</span> : exact.format(of(a.totals)),
  });
  return [
    {
      id: "account",
      head: "Account",
      sort: (a) => a.account?.name ?? null,
      cell: (a) =>
        a.account ? (
          <AppLink to={paths.account(a.account.id)}>{a.account.name}</AppLink>
        ) : (
          <span className="text-muted italic">Unidentified callers</span>
        ),
    },
    count("denied", "Denied", (t) => t.denied),
    count("shadowed", "Would be denied", (t) => t.shadowed),
    { ...count("over", "Over", (t) => t.over), from: "sm" },
    {
      id: "amount",
      head: "Over by",
      from: "md",
      numeric: true,
      sort: (a) => a.totals.overAmount,
      cell: (a) => figure(a.totals.overAmount, measure),
    },
    { ...count("open", "Unchecked", (t) => t.failedOpen), from: "md" },
    {
      id: "why",
      head: "Denials",
      hideHead: true,
      numeric: true,
      from: "sm",
      cell: (a) =>
        a.account &&
        a.totals.denied > 0 && (
          <AppLink
            to={paths.denials}
            own={{ account: a.account.id }}
            aria-label={`Denials of ${a.account.name}`}
            className="text-muted hover:text-accent hover:underline"
          >
            Denials
          </AppLink>
        ),
    },
  ];
}
