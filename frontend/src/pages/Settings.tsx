import { Check, Clock3 } from "lucide-react";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { AppLink, useFreshness, useNow } from "~/app/location";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { exact } from "~/ui/format";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, Skeleton, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { setTheme, type Theme, useTheme } from "~/ui/theme";
import { When } from "~/ui/When";
import { DefaultTiers } from "./settings-defaults";
import { Meters } from "./settings-meters";
import { RetentionSettings } from "./settings-retention";

const SettingsQuery = graphql(`
  query Settings {
    rollout {
      snapshot
      workers {
        source
        node
        snapshot
        snapshotSince
        lastSeenAt
      }
    }
  }
`);

type Worker = ResultOf<typeof SettingsQuery>["rollout"]["workers"][number];

export default function Settings() {
  const { data, error, reload } = usePolled({
    query: SettingsQuery,
    variables: {},
    everyMS: useFreshness(),
  });
  const { viewer, may } = useViewer();
  const nowMS = useNow(1_000);
  if (error && !data)
    return <ErrorState page="Settings" what="the settings" error={error} retry={reload} />;
  const rollout = data?.rollout;
  const current = rollout?.workers.filter((w) => w.snapshot >= rollout.snapshot).length;
  return (
    <>
      <PageHead
        title="Settings"
        actions={
          <>
            {may("MEMBERS_READ") && <AppLink to={paths.members}>Members</AppLink>}
            {may("TOKENS_WRITE") && <AppLink to={paths.tokens}>API tokens</AppLink>}
          </>
        }
      />
      <StaleNotice error={error} retry={reload} />
      <Panel
        title="Rollout"
        note={
          rollout &&
          `Snapshot ${exact.format(rollout.snapshot)}, on ${current} of ${rollout.workers.length} workers`
        }
      >
        {rollout?.workers.length === 0 ? (
          <EmptyState title="No Envoy is connected" command="make run">
            Each worker thread of an Envoy that runs the filter shows up here with the snapshot of
            limits and keys that it runs.
          </EmptyState>
        ) : (
          <Table
            label="Workers"
            columns={workerColumns(rollout?.snapshot ?? 0, nowMS)}
            rows={rollout?.workers}
            rowKey={(w) => w.source}
            initialSort={{ column: "node", descending: false }}
            skeletonRows={3}
          />
        )}
      </Panel>
      <Meters />
      <RetentionSettings />
      <div className="grid gap-4 lg:grid-cols-2 lg:items-start">
        <DefaultTiers />
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="You">
            <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-2 px-4 pb-4">
              <dt className="text-muted">Name</dt>
              <dd>{viewer?.name ?? <Skeleton />}</dd>
              <dt className="text-muted">Signed in</dt>
              <dd>
                {viewer?.kind === "TOKEN" ? (
                  "with an API token"
                ) : (
                  <AppLink to={paths.profile}>Password, second step, sessions</AppLink>
                )}
              </dd>
              <dt className="self-center text-muted">Theme</dt>
              <dd>
                <ThemeChoice />
              </dd>
            </dl>
          </Panel>
          <Panel title="For scripts">
            <div className="flex flex-col items-start gap-2 px-4 pb-4 text-muted">
              <p>Everything here is GraphQL. Scripts send the API token as a bearer token to</p>
              <Copyable text={`${location.origin}/graphql`} />
              <p>
                <a href={paths.graphiql} className="font-medium text-accent hover:underline">
                  Open GraphiQL
                </a>{" "}
                to try queries and read the schema.
              </p>
            </div>
          </Panel>
        </div>
      </div>
    </>
  );
}

const themeLabels: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

function ThemeChoice() {
  const theme = useTheme();
  return (
    <div className="flex flex-wrap gap-1.5">
      {(Object.keys(themeLabels) as Theme[]).map((value) => (
        <Button
          key={value}
          aria-pressed={theme === value}
          kind={theme === value ? "primary" : "plain"}
          onClick={() => setTheme(value)}
        >
          {themeLabels[value]}
        </Button>
      ))}
    </div>
  );
}

function workerColumns(newest: number, nowMS: number): Column<Worker>[] {
  return [
    {
      id: "node",
      head: "Envoy",
      sort: (w) => w.node,
      cell: (w) => <span className="font-medium">{w.node}</span>,
    },
    {
      id: "source",
      head: "Worker",
      from: "md",
      sort: (w) => w.source,
      cell: (w) => (
        <code className="font-mono text-small text-muted" title={w.source}>
          {w.source.slice(0, 12)}
        </code>
      ),
    },
    {
      id: "snapshot",
      head: "Snapshot",
      numeric: true,
      sort: (w) => w.snapshot,
      cell: (w) => exact.format(w.snapshot),
    },
    {
      id: "state",
      head: "State",
      sort: (w) => w.snapshot - newest,
      cell: (w) =>
        w.snapshot >= newest ? (
          <Badge kind="good" icon={<Check aria-hidden className="size-3" />}>
            Current
          </Badge>
        ) : (
          <Badge kind="warning" icon={<Clock3 aria-hidden className="size-3" />}>
            {w.snapshot === 0 ? "None yet" : `${exact.format(newest - w.snapshot)} behind`}
          </Badge>
        ),
    },
    {
      id: "since",
      head: "Runs it since",
      from: "md",
      sort: (w) => w.snapshotSince,
      cell: (w) => <When at={w.snapshotSince} nowMS={nowMS} className="text-muted" />,
    },
    {
      id: "seen",
      head: "Last heard",
      numeric: true,
      from: "sm",
      sort: (w) => w.lastSeenAt,
      cell: (w) => <When at={w.lastSeenAt} nowMS={nowMS} className="text-muted" />,
    },
  ];
}
