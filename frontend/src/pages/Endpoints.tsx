import { Plus } from "lucide-react";
import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink, useQueryState } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { exact, moment, plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { EndpointDialog } from "./endpoint-edit";
import { EndpointGroups } from "./endpoint-groups";
import { ImportButton } from "./endpoint-import";
import { EndpointSuggestions } from "./endpoint-suggestions";

const EndpointsQuery = graphql(`
  query Endpoints($after: String) {
    endpoints(first: 200, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        method
        template
        cost
        revision
        group {
          id
          name
        }
        source {
          title
          version
          importedAt
        }
      }
    }
    endpointGroups(first: 200) {
      nodes {
        id
        name
        endpoints(first: 4) {
          totalCount
          nodes {
            id
            method
            template
          }
        }
      }
    }
    tiers(first: 1000) {
      nodes {
        name
        limits {
          name
          endpoint {
            id
          }
          group {
            id
          }
        }
      }
    }
  }
`);

const DeleteEndpoint = graphql(`
  mutation DeleteEndpoint($id: ID!) {
    deleteEndpoint(id: $id) {
      id
    }
  }
`);

type Answer = ResultOf<typeof EndpointsQuery>;
type Endpoint = Answer["endpoints"]["nodes"][number];
type Tiers = Answer["tiers"]["nodes"];

export default function Endpoints() {
  const [query, change] = useQueryState();
  const after = query.get("after");
  const { data, error, reload } = usePolled({
    query: EndpointsQuery,
    variables: { after },
    everyMS: null,
  });
  const [editing, setEditing] = useState<Endpoint | "new" | null>(null);
  const [deleting, setDeleting] = useState<Endpoint | null>(null);
  if (error && !data)
    return <ErrorState page="Endpoints" what="the endpoints" error={error} retry={reload} />;
  const create = (
    <Permitted needs="POLICY_WRITE">
      <span className="inline-flex flex-wrap gap-2">
        <ImportButton />
        <Button
          kind="primary"
          icon={<Plus aria-hidden className="size-4" />}
          onClick={() => setEditing("new")}
        >
          New endpoint
        </Button>
      </span>
    </Permitted>
  );
  return (
    <>
      <PageHead
        title="Endpoints"
        note="A method and a path template: what usage is counted by, and what a limit can be for."
        actions={create}
      />
      <StaleNotice error={error} retry={reload} />
      <Panel title="All endpoints" note={data && plural(data.endpoints.totalCount, "endpoint")}>
        {data?.endpoints.totalCount === 0 ? (
          <EmptyState title="No endpoints yet" action={create}>
            Requests are limited and counted all the same, as “no endpoint”.
            <Permitted needs="POLICY_WRITE">
              {" "}
              Add one to see it apart, or to limit it on its own, import all from an OpenAPI
              document, or take them from what traffic shows below.
            </Permitted>
          </EmptyState>
        ) : (
          <Table
            label="All endpoints"
            columns={endpointColumns(data?.tiers.nodes ?? [], setEditing, setDeleting)}
            rows={data?.endpoints.nodes}
            rowKey={(e) => e.id}
            initialSort={{ column: "template", descending: false }}
          />
        )}
        <Pager
          page={data?.endpoints.pageInfo}
          after={after}
          onTurn={(to) => change({ after: to })}
          first="First"
          next="Next"
        />
      </Panel>
      <Permitted needs="USAGE_READ" unbound>
        <EndpointSuggestions />
      </Permitted>
      <EndpointGroups
        groups={data?.endpointGroups.nodes}
        usersOf={(group) =>
          tiersWith(data?.tiers.nodes ?? [], (limit) => limit.group?.id === group.id)
        }
      />
      {editing && (
        <EndpointDialog
          endpoint={editing === "new" ? null : editing}
          groups={data?.endpointGroups.nodes ?? []}
          onClose={() => {
            setEditing(null);
            reload(); // also what somebody else changed meanwhile
          }}
        />
      )}
      {deleting && <DeleteDialog endpoint={deleting} onClose={() => setDeleting(null)} />}
    </>
  );
}

type Limit = Tiers[number]["limits"][number];

/** The names of the tiers that have a limit like that. */
const tiersWith = (tiers: Tiers, isWanted: (limit: Limit) => boolean) =>
  tiers.filter((tier) => tier.limits.some(isWanted)).map((tier) => tier.name);

const usersOf = (endpoint: Endpoint, tiers: Tiers) =>
  tiersWith(tiers, (limit) => limit.endpoint?.id === endpoint.id);

function endpointColumns(
  tiers: Tiers,
  onEdit: (endpoint: Endpoint) => void,
  onDelete: (endpoint: Endpoint) => void,
): Column<Endpoint>[] {
  return [
    {
      id: "method",
      head: "Method",
      sort: (e) => e.method,
      cell: (e) => (
        <code className="font-mono text-small font-medium text-muted">
          {e.method === "*" ? "any" : e.method}
        </code>
      ),
    },
    {
      id: "template",
      head: "Path template",
      sort: (e) => e.template,
      cell: (e) => (
        <AppLink
          to={paths.usage}
          own={{ endpoint: e.id }}
          title="Its usage"
          className="font-mono text-small break-all hover:text-accent hover:underline"
        >
          {e.template}
        </AppLink>
      ),
    },
    {
      id: "cost",
      head: "Cost",
      numeric: true,
      from: "sm",
      stacks: true,
      sort: (e) => e.cost,
      cell: (e) => exact.format(e.cost),
    },
    {
      id: "group",
      head: "Group",
      from: "sm",
      stacks: true,
      sort: (e) => e.group?.name ?? null,
      cell: (e) => e.group?.name ?? <span className="text-faint">–</span>,
    },
    {
      id: "source",
      head: "Imported from",
      from: "lg",
      sort: (e) => e.source?.title ?? null,
      cell: (e) =>
        e.source ? (
          <span title={moment(Date.parse(e.source.importedAt))}>
            {e.source.title} {e.source.version}
          </span>
        ) : (
          <span className="text-faint">–</span>
        ),
    },
    {
      id: "limits",
      head: "Limited on",
      from: "md",
      sort: (e) => usersOf(e, tiers).length,
      cell: (e) => usersOf(e, tiers).join(", ") || <span className="text-faint">no tier</span>,
    },
    {
      id: "actions",
      head: "Actions",
      hideHead: true,
      numeric: true,
      cell: (e) => (
        <Permitted needs="POLICY_WRITE">
          <span className="inline-flex flex-wrap justify-end">
            <Button
              kind="quiet"
              className="px-2!"
              aria-label={`Edit ${e.method} ${e.template}`}
              onClick={() => onEdit(e)}
            >
              Edit
            </Button>
            <Button
              kind="quiet"
              className="px-2!"
              aria-label={`Delete ${e.method} ${e.template}`}
              onClick={() => onDelete(e)}
            >
              Delete
            </Button>
          </span>
        </Permitted>
      ),
    },
  ];
}

function DeleteDialog({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const [{ fetching, error }, remove] = useMutation(DeleteEndpoint);
  const say = useToast();
  const name = `${endpoint.method} ${endpoint.template}`;
  const confirm = async () => {
    const result = await remove({ id: endpoint.id }, { additionalTypenames: ["Endpoint"] });
    if (result.error) return;
    say(`${name} is deleted`);
    onClose();
  };
  return (
    <Confirm
      title={`Delete ${name}?`}
      confirm="Delete endpoint"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      From now on its requests count as “no endpoint”. Usage that was counted for it stays. An
      endpoint that a limit names can’t be deleted.
    </Confirm>
  );
}
