import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { Button, IconButton } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Panel } from "~/ui/Panel";
import { EmptyState, ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { MeterDialog } from "./meter-edit";
import { type Change, RolloutProgress } from "./tier-rollout";

const MetersQuery = graphql(`
  query Meters {
    meters(first: 1000) {
      nodes {
        id
        name
        unit
        header
        hidden
        revision
        endpoint {
          id
          method
          template
        }
      }
    }
    endpoints(first: 1000) {
      nodes {
        id
        method
        template
      }
    }
  }
`);

const DeleteMeter = graphql(`
  mutation DeleteMeter($id: ID!) {
    deleteMeter(id: $id) {
      snapshot
    }
  }
`);

type Meter = ResultOf<typeof MetersQuery>["meters"]["nodes"][number];
type Open = { what: "create" } | { what: "edit" | "delete"; meter: Meter };

/** What upstreams declare of their responses, and Weir adds up. */
export function Meters() {
  const { data, error, reload } = usePolled({ query: MetersQuery, variables: {}, everyMS: null });
  const [open, setOpen] = useState<Open | null>(null);
  const [change, setChange] = useState<Change | null>(null);
  const create = (
    <Permitted needs="POLICY_WRITE">
      <Button
        icon={<Plus aria-hidden className="size-4" />}
        disabled={!data}
        onClick={() => setOpen({ what: "create" })}
      >
        New meter
      </Button>
    </Permitted>
  );
  // What somebody else changed meanwhile is read as well.
  const close = () => {
    setOpen(null);
    reload();
  };
  return (
    <Panel
      title="Custom meters"
      note="added up from a header of upstreams’ responses"
      actions={data && data.meters.nodes.length > 0 && create}
    >
      {change && (
        <div className="px-4 pb-3">
          <RolloutProgress change={change} />
        </div>
      )}
      {error && !data ? (
        <ErrorState what="the custom meters" error={error} retry={reload} />
      ) : data?.meters.nodes.length === 0 ? (
        <EmptyState title="No custom meters" action={create}>
          An upstream that says in a response header how many tokens, rows or seconds it spent can
          be metered by that, beside requests and bytes.
        </EmptyState>
      ) : (
        <Table
          label="Custom meters"
          columns={columns(setOpen)}
          rows={data?.meters.nodes}
          rowKey={(m) => m.id}
          skeletonRows={2}
        />
      )}
      {open && open.what !== "delete" && (
        <MeterDialog
          meter={open.what === "edit" ? open.meter : null}
          endpoints={data?.endpoints.nodes ?? []}
          onSaved={setChange}
          onClose={close}
        />
      )}
      {open?.what === "delete" && <DeleteDialog meter={open.meter} onClose={close} />}
    </Panel>
  );
}

function DeleteDialog({ meter, onClose }: { meter: Meter; onClose: () => void }) {
  const [{ fetching, error }, remove] = useMutation(DeleteMeter);
  const say = useToast();
  const confirm = async () => {
    const result = await remove({ id: meter.id }, { additionalTypenames: ["Meter"] });
    if (result.error) return;
    say(`${meter.name} is deleted`);
    onClose();
  };
  return (
    <Confirm
      title={`Delete the meter ${meter.name}?`}
      confirm="Delete meter"
      typed={meter.name}
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      Responses are no longer added up by <code className="font-mono">{meter.header}</code>, in
      about a second. What it counted stays in the rollups.
    </Confirm>
  );
}

const columns = (open: (open: Open) => void): Column<Meter>[] => [
  {
    id: "name",
    head: "Meter",
    sort: (m) => m.name,
    cell: (m) => (
      <span className="flex flex-wrap items-center gap-x-2">
        <AppLink to={paths.usage} own={{ measure: `meter:${m.id}`, group: "account" }}>
          {m.name}
        </AppLink>
        <span className="text-small text-faint">{m.unit}</span>
      </span>
    ),
  },
  {
    id: "header",
    head: "Header",
    from: "sm",
    sort: (m) => m.header,
    cell: (m) => (
      <span className="flex flex-wrap items-center gap-x-2">
        <code className="font-mono text-small">{m.header}</code>
        {m.hidden && <Badge>Hidden</Badge>}
      </span>
    ),
  },
  {
    id: "endpoint",
    head: "Endpoint",
    from: "md",
    cell: (m) =>
      m.endpoint ? (
        `${m.endpoint.method} ${m.endpoint.template}`
      ) : (
        <span className="text-muted">all</span>
      ),
  },
  {
    id: "actions",
    head: "Actions",
    hideHead: true,
    numeric: true,
    cell: (m) => (
      <Permitted needs="POLICY_WRITE">
        <span className="inline-flex items-center gap-1">
          <Button
            kind="quiet"
            aria-label={`Edit ${m.name}`}
            onClick={() => open({ what: "edit", meter: m })}
          >
            Edit
          </Button>
          <IconButton label={`Delete ${m.name}`} onClick={() => open({ what: "delete", meter: m })}>
            <Trash2 aria-hidden className="size-4" />
          </IconButton>
        </span>
      </Permitted>
    ),
  },
];
