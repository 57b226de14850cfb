import { useState } from "react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { AppLink, useFreshness, useNow } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { DiffTable } from "~/limit/DiffTable";
import { diffLimits } from "~/limit/diff";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { exact, percent, plural, ratio } from "~/ui/format";
import { Panel } from "~/ui/Panel";
import { ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import { ChangePilotDialog } from "./tier-pilot-change";
import { type Pilot, PilotDetails, type PilotedTier } from "./tier-pilot-details";
import { EndPilotDialog, PromotePilotDialog } from "./tier-pilot-end";

const PilotQuery = graphql(
  `
  query TierPilot($id: ID!) {
    tier(id: $id) {
      ...PilotDetails
    }
  }
`,
  [PilotDetails],
);

const EffectQuery = graphql(`
  query PilotEffect($id: ID!) {
    tier(id: $id) {
      id
      pilot {
        id
        effect {
          inside {
            accounts
            sampled
            throttledAccounts
            allowed
            throttled
          }
          outside {
            accounts
            sampled
            throttledAccounts
            allowed
            throttled
          }
        }
      }
    }
  }
`);

type Effect = NonNullable<NonNullable<ResultOf<typeof EffectQuery>["tier"]>["pilot"]>["effect"];
type Asked = "change" | "promote" | "end";

/** What a pilot did is no quick question: it is asked no more often than this. */
const effectEveryMS = 30_000;

/** The pilot of a tier: who is in it, what it did, and what is to become of it. */
export function TierPilotPanel({ tierId }: { tierId: string }) {
  const everyMS = useFreshness();
  const { data, error, reload } = usePolled({
    query: PilotQuery,
    variables: { id: tierId },
    everyMS,
  });
  if (error && !data)
    return (
      <Panel title="Pilot">
        <ErrorState what="the pilot" error={error} retry={reload} />
      </Panel>
    );
  const tier = data?.tier;
  if (!tier?.pilot) return null;
  return tier.pilot.state === "RUNNING" ? (
    <RunningPilot tier={tier} pilot={tier.pilot} reload={reload} />
  ) : (
    <PastPilot tierId={tierId} pilot={tier.pilot} />
  );
}

/** How a pilot ended, in a line. */
function PastPilot({ tierId, pilot }: { tierId: string; pilot: Pilot }) {
  const nowMS = useNow(30_000);
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-muted">
      <Badge kind={pilot.promotedTo ? "good" : "neutral"}>
        {pilot.promotedTo ? "Promoted" : "Ended"}
      </Badge>
      <span>
        The last pilot, “{pilot.name}”,{" "}
        {pilot.promotedTo ? (
          <>
            became{" "}
            <AppLink to={paths.tierVersions(tierId)}>version {pilot.promotedTo.number}</AppLink>
          </>
        ) : (
          "ended; everybody is as they were"
        )}
        {pilot.endedAt && (
          <>
            , <When at={pilot.endedAt} nowMS={nowMS} />
          </>
        )}
        .
      </span>
    </p>
  );
}

function RunningPilot({
  tier,
  pilot,
  reload,
}: {
  tier: PilotedTier;
  pilot: Pilot;
  reload: () => void;
}) {
  const { may } = useViewer();
  const [asked, setAsked] = useState<Asked | null>(null);
  const nowMS = useNow(30_000);
  const dialog = { tier, pilot, reload, onClose: () => setAsked(null) };
  return (
    <Panel
      title={`Pilot “${pilot.name}”`}
      note={
        <>
          Began <When at={pilot.startedAt} nowMS={nowMS} />, by {pilot.startedBy.name}
        </>
      }
      actions={
        may("POLICY_WRITE") && (
          <>
            <Button onClick={() => setAsked("change")}>Change who is in it</Button>
            <Button onClick={() => setAsked("end")}>End</Button>
            <Button onClick={() => setAsked("promote")}>Make it a version…</Button>
          </>
        )
      }
    >
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 pb-3">
        <Badge kind="soft">Running</Badge>
        <span>
          {plural(pilot.accountCount, "account")} in it: {pilot.percent}% of the tier’s
          {pilot.accountIds.length > 0 && `, and ${exact.format(pilot.accountIds.length)} by name`}
        </span>
      </p>
      <div className="border-t border-line pt-1">
        <DiffTable
          diffs={diffLimits(tier.limits, pilot.version.limits)}
          before={`Version ${tier.version.number}`}
          after="Pilot"
          maxHeight="max-h-72"
        />
      </div>
      <Permitted needs="USAGE_READ">
        <PilotEffects tierId={tier.id} />
      </Permitted>
      {asked === "change" && <ChangePilotDialog {...dialog} />}
      {asked === "end" && <EndPilotDialog {...dialog} />}
      {asked === "promote" && <PromotePilotDialog {...dialog} />}
    </Panel>
  );
}

type Row = Effect["inside"] & { group: string };

function PilotEffects({ tierId }: { tierId: string }) {
  const live = useFreshness() !== null;
  const { data, error, reload } = usePolled({
    query: EffectQuery,
    variables: { id: tierId },
    everyMS: live ? effectEveryMS : null,
  });
  if (error && !data) return <ErrorState what="what the pilot did" error={error} retry={reload} />;
  const effect = data?.tier?.pilot?.effect;
  const rows = effect && [
    { group: "In the pilot", ...effect.inside },
    { group: "Outside", ...effect.outside },
  ];
  const partly = rows?.some((r) => r.sampled < r.accounts) ?? false;
  return (
    <div className="border-t border-line pt-1">
      <Table
        label="What the pilot did since it began"
        columns={effectColumns}
        rows={rows}
        rowKey={(r) => r.group}
        skeletonRows={2}
      />
      {partly && (
        <p className="border-t border-line px-4 py-2 text-small text-faint">
          Counted of at most 1,000 accounts of each group.
        </p>
      )}
    </div>
  );
}

const effectColumns: Column<Row>[] = [
  { id: "group", head: "Accounts", cell: (r) => <span className="font-medium">{r.group}</span> },
  { id: "count", head: "Number", numeric: true, from: "sm", cell: (r) => exact.format(r.accounts) },
  {
    id: "throttled",
    head: "Throttled requests",
    numeric: true,
    cell: (r) => (
      <>
        {exact.format(r.throttled)}{" "}
        <span className="text-muted">
          {percent(ratio(r.throttled, r.allowed + r.throttled) ?? 0)}
        </span>
      </>
    ),
  },
  {
    id: "throttledAccounts",
    head: "Accounts throttled",
    numeric: true,
    cell: (r) => (
      <>
        {exact.format(r.throttledAccounts)}{" "}
        <span className="text-muted">{percent(ratio(r.throttledAccounts, r.sampled) ?? 0)}</span>
      </>
    ),
  },
  {
    id: "allowed",
    head: "Allowed requests",
    numeric: true,
    from: "md",
    cell: (r) => exact.format(r.allowed),
  },
];
