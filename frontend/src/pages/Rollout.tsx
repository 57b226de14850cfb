import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { AppLink, useFreshness, useNow } from "~/app/location";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { exact, plural } from "~/ui/format";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import { actionWords } from "./audit-words";
import { after, reached, WorkerState } from "./rollout-parts";
import { SettingsNav } from "./settings-nav";

const RolloutQuery = graphql(`
  query Rollout {
    rollout(recent: 20) {
      snapshot
      progress {
        snapshot
        confirmed
        of
        tookMs
        behind
      }
      recent {
        snapshot
        madeAt
        action
        record
        confirmed
        of
        tookMs
        behind
      }
      workers {
        source
        node
        snapshot
        snapshotSince
        tookMs
        lastSeenAt
      }
      gone {
        node
        workers
        snapshot
        lastSeenAt
      }
    }
  }
`);

type Answer = ResultOf<typeof RolloutQuery>["rollout"];
type Recent = Answer["recent"][number];
type Worker = Answer["workers"][number];
type Gone = Answer["gone"][number];

/** Which policy runs where: how far the latest changes got, each worker, and Envoys that are gone. */
export default function Rollout() {
  const { data, error, reload } = usePolled({
    query: RolloutQuery,
    variables: {},
    everyMS: useFreshness(),
  });
  const { may } = useViewer();
  const nowMS = useNow(1_000);
  if (error && !data)
    return <ErrorState page="Rollout" what="the rollout" error={error} retry={reload} />;
  const rollout = data?.rollout;
  return (
    <>
      <PageHead title="Rollout" within={["Settings"]} />
      <SettingsNav />
      <StaleNotice error={error} retry={reload} />
      <Panel title="Workers" note={rollout && reached(rollout.progress)}>
        {rollout?.workers.length === 0 ? (
          <EmptyState title="No Envoy is connected">
            Each worker thread of an Envoy that runs the filter shows up here with the snapshot of
            limits and keys that it runs. How to add the filter to an Envoy is in docs/install.md.
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
      {rollout !== undefined && rollout.gone.length > 0 && (
        <Panel
          title="Gone"
          note={`${plural(rollout.gone.length, "Envoy")} or some of its replicas, not heard from in the last minute, but in the last day`}
        >
          <Table
            label="Envoys that are gone"
            columns={goneColumns(nowMS)}
            rows={rollout.gone}
            rowKey={(n) => n.node}
            initialSort={{ column: "seen", descending: true }}
          />
        </Panel>
      )}
      <Panel title="Latest changes" note="of about the last hour">
        <Table
          label="Latest changes"
          columns={recentColumns(nowMS, may("AUDIT_READ"))}
          rows={rollout?.recent}
          rowKey={(v) => String(v.snapshot)}
          initialSort={{ column: "made", descending: true }}
          skeletonRows={5}
        />
      </Panel>
    </>
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
      stacks: true,
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
      from: "sm",
      stacks: true,
      sort: (w) => w.snapshot,
      cell: (w) => w.snapshot,
    },
    {
      id: "state",
      head: "State",
      sort: (w) => w.snapshot - newest,
      cell: (w) => <WorkerState snapshot={w.snapshot} newest={newest} />,
    },
    {
      id: "took",
      head: "Confirmed after",
      numeric: true,
      sort: (w) => w.tookMs ?? -1,
      cell: (w) => (w.tookMs === null ? <span className="text-faint">—</span> : after(w.tookMs)),
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

function goneColumns(nowMS: number): Column<Gone>[] {
  return [
    {
      id: "node",
      head: "Envoy",
      sort: (n) => n.node,
      cell: (n) => (
        <span className="flex items-center gap-2 font-medium">
          {n.node} <Badge kind="warning">Gone</Badge>
        </span>
      ),
    },
    {
      id: "workers",
      head: "Workers",
      numeric: true,
      from: "sm",
      sort: (n) => n.workers,
      cell: (n) => exact.format(n.workers),
    },
    {
      id: "snapshot",
      head: "Snapshot",
      numeric: true,
      from: "md",
      stacks: true,
      sort: (n) => n.snapshot,
      cell: (n) => n.snapshot,
    },
    {
      id: "seen",
      head: "Last heard",
      numeric: true,
      sort: (n) => n.lastSeenAt,
      cell: (n) => <When at={n.lastSeenAt} nowMS={nowMS} className="text-muted" />,
    },
  ];
}

function recentColumns(nowMS: number, mayAudit: boolean): Column<Recent>[] {
  return [
    {
      id: "what",
      head: "Change",
      sort: (v) => v.action ?? "",
      cell: (v) => <What version={v} linked={mayAudit} />,
    },
    {
      id: "snapshot",
      head: "Snapshot",
      numeric: true,
      from: "md",
      stacks: true,
      sort: (v) => v.snapshot,
      cell: (v) => v.snapshot,
    },
    {
      id: "made",
      head: "Made",
      from: "sm",
      sort: (v) => v.snapshot,
      cell: (v) => v.madeAt && <When at={v.madeAt} nowMS={nowMS} className="text-muted" />,
    },
    {
      id: "reached",
      head: "Reached",
      sort: (v) => v.confirmed,
      cell: (v) => `${v.confirmed} of ${plural(v.of, "worker")}`,
    },
    {
      id: "took",
      head: "After",
      numeric: true,
      sort: (v) => v.tookMs ?? -1,
      cell: (v) => (v.tookMs === null ? <span className="text-faint">—</span> : after(v.tookMs)),
    },
    {
      id: "behind",
      head: "Behind",
      from: "md",
      sort: (v) => v.behind.length,
      cell: (v) => <span className="text-muted">{v.behind.join(", ") || "nobody"}</span>,
    },
  ];
}

/** What made a snapshot, and the way to its record. */
function What({ version: { action, record }, linked }: { version: Recent; linked: boolean }) {
  if (action === null) return <span className="text-faint">Beginning</span>;
  const words = actionWords(action);
  if (!linked) return <span className="font-medium">{words}</span>;
  return (
    <AppLink to={paths.audit} own={{ record: String(record) }}>
      {words}
    </AppLink>
  );
}
