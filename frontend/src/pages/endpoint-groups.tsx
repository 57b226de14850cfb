import { Plus } from "lucide-react";
import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { Permitted } from "~/app/Permitted";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { TextField } from "~/ui/inputs";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { ManagedNotice } from "./managed";

const CreateGroup = graphql(`
  mutation CreateEndpointGroup($name: String!) {
    createEndpointGroup(name: $name) {
      group {
        id
      }
    }
  }
`);

const DeleteGroup = graphql(`
  mutation DeleteEndpointGroup($id: ID!) {
    deleteEndpointGroup(id: $id) {
      id
    }
  }
`);

export type Group = {
  id: string;
  name: string;
  /** The first ones of them. */
  endpoints: {
    totalCount: number;
    nodes: Array<{ id: string; method: string; template: string }>;
  };
};

const additionalTypenames = ["EndpointGroup", "Endpoint"];

/** Named sets of endpoints, which one limit can count together. */
export function EndpointGroups({
  groups,
  usersOf,
}: {
  groups: Group[] | undefined;
  /** The tiers whose limits name the group. */
  usersOf: (group: Group) => string[];
}) {
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<Group | null>(null);
  const create = (
    <Permitted needs="POLICY_WRITE">
      <Button icon={<Plus aria-hidden className="size-4" />} onClick={() => setCreating(true)}>
        New group
      </Button>
    </Permitted>
  );
  return (
    <Panel title="Groups" note={groups && plural(groups.length, "group")} actions={create}>
      {groups?.length === 0 ? (
        <EmptyState title="No groups">
          A group lets one limit count several endpoints together, for example all that search.
        </EmptyState>
      ) : (
        <Table
          label="Groups"
          columns={groupColumns(usersOf, setDeleting)}
          rows={groups}
          rowKey={(g) => g.id}
          skeletonRows={1}
        />
      )}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
      {deleting && <DeleteDialog group={deleting} onClose={() => setDeleting(null)} />}
    </Panel>
  );
}

function groupColumns(
  usersOf: (group: Group) => string[],
  onDelete: (group: Group) => void,
): Column<Group>[] {
  return [
    {
      id: "name",
      head: "Group",
      sort: (g) => g.name,
      cell: (g) => <span className="font-medium">{g.name}</span>,
    },
    {
      id: "endpoints",
      head: "Endpoints",
      sort: (g) => g.endpoints.totalCount,
      cell: (g) =>
        g.endpoints.totalCount === 0 ? (
          <span className="text-faint">none yet; choose the group on an endpoint</span>
        ) : (
          <ul className="flex flex-wrap gap-x-4 py-1">
            {g.endpoints.nodes.map((e) => (
              <li key={e.id} className="font-mono text-small break-all text-muted">
                {e.method} {e.template}
              </li>
            ))}
            {g.endpoints.totalCount > g.endpoints.nodes.length && (
              <li className="text-faint">
                and {g.endpoints.totalCount - g.endpoints.nodes.length} more
              </li>
            )}
          </ul>
        ),
    },
    {
      id: "limits",
      head: "Limited on",
      from: "md",
      cell: (g) => usersOf(g).join(", ") || <span className="text-faint">no tier</span>,
    },
    {
      id: "delete",
      head: "Delete",
      hideHead: true,
      numeric: true,
      cell: (g) => (
        <Permitted needs="POLICY_WRITE">
          <Button kind="quiet" aria-label={`Delete group ${g.name}`} onClick={() => onDelete(g)}>
            Delete
          </Button>
        </Permitted>
      ),
    },
  ];
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [, create] = useMutation(CreateGroup);
  const { submit, busy, faults } = useSubmit(["name"]);
  const [name, setName] = useState("");
  const say = useToast();
  const save = async () => {
    if (!(await submit(create({ name: name.trim() }, { additionalTypenames })))) return;
    say(`${name.trim()} is there; choose it on its endpoints`);
    onClose();
  };
  return (
    <FormDialog
      title="New group"
      submit="Create group"
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <TextField
        autofocus
        required
        label="Name"
        hint="Unique, up to 64 characters."
        error={faults?.fields.name}
        maxLength={64}
        value={name}
        onChange={setName}
      />
    </FormDialog>
  );
}

function DeleteDialog({ group, onClose }: { group: Group; onClose: () => void }) {
  const [{ fetching, error }, remove] = useMutation(DeleteGroup);
  const say = useToast();
  const confirm = async () => {
    const result = await remove({ id: group.id }, { additionalTypenames });
    if (result.error) return;
    say(`${group.name} is deleted`);
    onClose();
  };
  return (
    <Confirm
      title={`Delete group ${group.name}?`}
      confirm="Delete group"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>Its endpoints stay, without a group. A group that a limit names can’t be deleted.</p>
      <ManagedNotice id={group.id} what="This group" />
    </Confirm>
  );
}
