import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { exact, moment } from "~/ui/format";
import { type Column, Table } from "~/ui/Table";
import type { PreviewedAccount, Report } from "./tier-preview-query";

type Figures = { atLeast: number; atMost: number };

/** Two figures that what would have happened lies between. */
export const between = ({ atLeast, atMost }: Figures) =>
  atLeast === atMost ? exact.format(atMost) : `${exact.format(atLeast)} to ${exact.format(atMost)}`;

/** Whom limits would have throttled; a row's button shows when. */
export function PreviewAccounts({
  report,
  chosen,
  onChoose,
}: {
  report: Report;
  /** The account that is drawn; null for all. */
  chosen: string | null;
  onChoose: (account: PreviewedAccount["account"] | null) => void;
}) {
  return (
    <Table
      label="Accounts by harm"
      columns={columns(chosen, onChoose)}
      rows={report.accounts.filter((a) => a.harm.requests > 0)}
      rowKey={(a) => a.account.id}
      maxHeight="max-h-96"
    />
  );
}

const minute = (at: string | null) =>
  at ? moment(Date.parse(at)).slice(0, -3) : <span className="text-faint">–</span>;

function columns(
  chosen: string | null,
  onChoose: (account: PreviewedAccount["account"] | null) => void,
): Column<PreviewedAccount>[] {
  return [
    {
      id: "account",
      head: "Account",
      sort: (a) => a.account.name,
      cell: (a) => (
        <AppLink to={paths.account(a.account.id)} className="hover:text-accent hover:underline">
          {a.account.name}
        </AppLink>
      ),
    },
    {
      id: "harm",
      head: "Would be throttled",
      numeric: true,
      sort: (a) => a.harm.atMost,
      cell: (a) => between(a.harm),
    },
    {
      id: "today",
      head: "With today’s limits",
      numeric: true,
      from: "sm",
      stacks: true,
      sort: (a) => a.harm.today.atMost,
      cell: (a) => between(a.harm.today),
    },
    {
      id: "throttled",
      head: "Really",
      numeric: true,
      from: "md",
      sort: (a) => a.harm.throttled,
      cell: (a) => exact.format(a.harm.throttled),
    },
    {
      id: "requests",
      head: "Requests",
      numeric: true,
      from: "md",
      sort: (a) => a.harm.requests,
      cell: (a) => exact.format(a.harm.requests),
    },
    {
      id: "limit",
      head: "By",
      from: "lg",
      cell: (a) => a.limitName ?? <span className="text-faint">–</span>,
    },
    {
      id: "first",
      head: "First",
      from: "xl",
      sort: (a) => a.firstAt,
      cell: (a) => minute(a.firstAt),
    },
    {
      id: "worst",
      head: "Worst minute",
      from: "lg",
      sort: (a) => a.worstAt,
      cell: (a) => minute(a.worstAt),
    },
    {
      id: "when",
      head: "Show when",
      hideHead: true,
      numeric: true,
      cell: (a) => (
        <Button
          kind={chosen === a.account.id ? "primary" : "quiet"}
          className="h-6! px-2!"
          aria-pressed={chosen === a.account.id}
          aria-label={`Show when: ${a.account.name}`}
          onClick={() => onChoose(chosen === a.account.id ? null : a.account)}
        >
          When
        </Button>
      ),
    },
  ];
}
