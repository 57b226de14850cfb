import { useState } from "react";
import { useClient } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { AppLink } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { exact, moment, plural } from "~/ui/format";
import { SelectField } from "~/ui/inputs";
import { Panel } from "~/ui/Panel";
import { EmptyState, Notice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { inputOf, type TierDraft } from "./tier-form";

const PreviewQuery = graphql(`
  query PreviewTier($input: PreviewInput!) {
    preview(input: $input) {
      accountCount
      surely
      possibly
      total {
        requests
        throttled
        atLeast
        atMost
      }
      accounts {
        account {
          id
          name
        }
        harm {
          requests
          throttled
          atLeast
          atMost
        }
        firstAt
        worstAt
        limitName
      }
    }
  }
`);

type Report = ResultOf<typeof PreviewQuery>["preview"];
type Row = Report["accounts"][number];

const ranges = [
  { value: "1", label: "last hour" },
  { value: "24", label: "last day" },
  { value: "168", label: "last 7 days" },
];

/** What the limits of a draft would have done to the usage of the tier's accounts. */
export function TierPreview({
  tierId,
  draft,
  invalid,
}: {
  tierId: string;
  draft: TierDraft;
  invalid: boolean;
}) {
  const client = useClient();
  const [hours, setHours] = useState("24");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const [played, setPlayed] = useState<{ report: Report; of: string } | null>(null);
  const { limits } = inputOf(draft);
  const question = JSON.stringify([limits, hours]);
  const play = async () => {
    setBusy(true);
    const from = new Date(Date.now() - Number(hours) * 3_600_000).toISOString();
    const input = { tierId, limits, from };
    const answer = await client
      .query(PreviewQuery, { input }, { requestPolicy: "network-only" })
      .toPromise();
    setBusy(false);
    setFailed(answer.error ? explain(answer.error) : null);
    setPlayed(answer.data ? { report: answer.data.preview, of: question } : null);
  };
  return (
    <Permitted needs="USAGE_READ">
      <Panel
        title="What would this do?"
        note="The limits above, saved or not, played on the stored usage of the tier’s accounts."
      >
        <div className="flex flex-wrap items-end gap-3 px-4 pb-4">
          <SelectField
            label="On the usage of the"
            value={hours}
            choices={ranges}
            onChange={setHours}
          />
          <Button busy={busy} disabled={invalid} onClick={play}>
            Play
          </Button>
        </div>
        {failed && <Notice kind="error">{failed}</Notice>}
        {played && played.of !== question && (
          <p className="px-4 pb-3 text-muted">This was before your last change; play it again.</p>
        )}
        {played && <Played report={played.report} />}
      </Panel>
    </Permitted>
  );
}

function Played({ report }: { report: Report }) {
  const { total } = report;
  if (total.requests === 0)
    return (
      <EmptyState title="No usage to play">
        The tier’s {plural(report.accountCount, "account")} sent nothing in this time.
      </EmptyState>
    );
  return (
    <>
      <p role="status" className="px-4 pb-3">
        {report.possibly === 0
          ? `None of ${plural(report.accountCount, "account")} would have been throttled.`
          : `${between(report.surely, report.possibly)} of ${plural(report.accountCount, "account")} would have been throttled: ${between(total.atLeast, total.atMost)} of ${plural(total.requests, "request")}.`}{" "}
        Really throttled: {exact.format(total.throttled)}.
        {total.atLeast !== total.atMost && (
          <span className="block text-small text-muted">
            Usage is known by the minute: the first figure is with requests spread evenly, the
            second with those of each minute at the worst moment.
          </span>
        )}
      </p>
      <Table
        label="Accounts by harm"
        columns={columns}
        rows={report.accounts.filter((a) => a.harm.requests > 0)}
        rowKey={(a) => a.account.id}
        maxHeight="max-h-96"
      />
    </>
  );
}

const between = (least: number, most: number) =>
  least === most ? exact.format(most) : `${exact.format(least)} to ${exact.format(most)}`;

const columns: Column<Row>[] = [
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
    cell: (a) => between(a.harm.atLeast, a.harm.atMost),
  },
  {
    id: "throttled",
    head: "Really throttled",
    numeric: true,
    from: "sm",
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
    id: "worst",
    head: "Worst minute",
    from: "lg",
    cell: (a) =>
      a.worstAt ? moment(Date.parse(a.worstAt)) : <span className="text-faint">–</span>,
  },
];
