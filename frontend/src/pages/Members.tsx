import { Check, Mail, OctagonX, UserPlus } from "lucide-react";
import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { AppLink, useNow, useQueryState } from "~/app/location";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";
import {
  DisableDialog,
  InviteDialog,
  type Link,
  LinkDialog,
  nameOf,
  RemoveDialog,
  RoleDialog,
} from "./members-dialogs";
import { roles } from "./members-roles";

const MembersQuery = graphql(`
  query Members($after: String) {
    members(first: 100, after: $after) {
      totalCount
      nodes {
        id
        name
        email
        role
        status
        hasTotp
        joinedAt
        signedInAt
        createdAt
        account {
          id
          name
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const CreateMemberLink = graphql(`
  mutation CreateMemberLink($id: ID!) {
    createMemberLink(id: $id) {
      url
      expiresAt
      member {
        id
      }
    }
  }
`);

const EndMemberSessions = graphql(`
  mutation EndMemberSessions($id: ID!) {
    endMemberSessions(id: $id) {
      member {
        id
      }
    }
  }
`);

export type Member = ResultOf<typeof MembersQuery>["members"]["nodes"][number];
type Open =
  | { what: "invite" }
  | { what: "role" | "disable" | "remove"; member: Member }
  | { what: "link"; link: Link };

/** Who may sign in, and what they may do. */
export default function Members() {
  const [query, change] = useQueryState();
  const after = query.get("after");
  const { data, error, reload } = usePolled({
    query: MembersQuery,
    variables: { after },
    everyMS: null,
  });
  const { may } = useViewer();
  const [open, setOpen] = useState<Open | null>(null);
  const nowMS = useNow(10_000);
  const deeds = useDeeds(setOpen);
  const close = () => setOpen(null);
  if (error && !data)
    return <ErrorState page="Members" what="the members" error={error} retry={reload} />;
  return (
    <>
      <PageHead
        title="Members"
        trail={<AppLink to={paths.settings}>Settings</AppLink>}
        actions={
          may("MEMBERS_WRITE") && (
            <Button
              kind="primary"
              icon={<UserPlus aria-hidden className="size-4" />}
              onClick={() => setOpen({ what: "invite" })}
            >
              Invite
            </Button>
          )
        }
      />
      <Panel title="Who may sign in" note={data && plural(data.members.totalCount, "member")}>
        <Table
          label="Members"
          columns={columns(nowMS, may("MEMBERS_WRITE"), setOpen, deeds)}
          rows={data?.members.nodes}
          rowKey={(m) => m.id}
          skeletonRows={3}
        />
        <Pager
          page={data?.members.pageInfo}
          after={after}
          onTurn={(to) => change({ after: to })}
          first="First"
          next="Next"
        />
      </Panel>
      {open?.what === "invite" && (
        <InviteDialog onInvited={(link) => setOpen({ what: "link", link })} onClose={close} />
      )}
      {open?.what === "link" && <LinkDialog link={open.link} onClose={close} />}
      {open?.what === "role" && <RoleDialog member={open.member} onClose={close} />}
      {open?.what === "disable" && <DisableDialog member={open.member} onClose={close} />}
      {open?.what === "remove" && <RemoveDialog member={open.member} onClose={close} />}
    </>
  );
}

/** What is done at once, without a dialog before it. */
function useDeeds(open: (open: Open) => void) {
  const [, createLink] = useMutation(CreateMemberLink);
  const [, endSessions] = useMutation(EndMemberSessions);
  const say = useToast();
  return {
    link: async (member: Member) => {
      const { data, error } = await createLink({ id: member.id });
      if (error) return say(explain(error));
      if (data) open({ what: "link", link: { ...data.createMemberLink, whose: nameOf(member) } });
    },
    end: async (member: Member) => {
      const { error } = await endSessions({ id: member.id });
      say(error ? explain(error) : `${nameOf(member)} is signed out everywhere`);
    },
  };
}

const states = {
  INVITED: <Badge icon={<Mail aria-hidden className="size-3" />}>Invited</Badge>,
  ACTIVE: (
    <Badge kind="good" icon={<Check aria-hidden className="size-3" />}>
      Active
    </Badge>
  ),
  DISABLED: (
    <Badge kind="bad" icon={<OctagonX aria-hidden className="size-3" />}>
      Disabled
    </Badge>
  ),
};

function columns(
  nowMS: number,
  mayWrite: boolean,
  open: (open: Open) => void,
  deeds: ReturnType<typeof useDeeds>,
): Column<Member>[] {
  const shown: Column<Member>[] = [
    {
      id: "name",
      head: "Member",
      sort: (m) => nameOf(m),
      cell: (m) => (
        <span className="flex flex-wrap items-center gap-x-2">
          <span className="font-medium">{nameOf(m)}</span>
          {m.name && <span className="text-small text-faint">{m.email}</span>}
        </span>
      ),
    },
    {
      id: "role",
      head: "Role",
      sort: (m) => m.role,
      cell: (m) => (
        <span title={roles[m.role].note}>
          {roles[m.role].label}
          {m.account && <span className="text-muted"> of {m.account.name}</span>}
        </span>
      ),
    },
    { id: "state", head: "State", sort: (m) => m.status, cell: (m) => states[m.status] },
    {
      id: "totp",
      head: "Second step",
      from: "lg",
      sort: (m) => Number(m.hasTotp),
      cell: (m) => (m.hasTotp ? "On" : <span className="text-faint">Off</span>),
    },
    {
      id: "seen",
      head: "Signed in",
      from: "md",
      sort: (m) => m.signedInAt ?? "",
      cell: (m) =>
        m.signedInAt ? (
          <When at={m.signedInAt} nowMS={nowMS} />
        ) : (
          <span className="text-faint">Never</span>
        ),
    },
  ];
  if (!mayWrite) return shown;
  const button = (m: Member, verb: string, act: () => void) => (
    <Button kind="quiet" className="px-2!" aria-label={`${verb} ${nameOf(m)}`} onClick={act}>
      {verb}
    </Button>
  );
  shown.push({
    id: "actions",
    head: "Actions",
    hideHead: true,
    numeric: true,
    cell: (m) => (
      <span className="inline-flex flex-wrap justify-end">
        {button(m, "Role", () => open({ what: "role", member: m }))}
        {m.status !== "DISABLED" && button(m, "Link", () => void deeds.link(m))}
        {m.status === "ACTIVE" && button(m, "Sign out", () => void deeds.end(m))}
        {button(m, m.status === "DISABLED" ? "Enable" : "Disable", () =>
          open({ what: "disable", member: m }),
        )}
        {button(m, "Remove", () => open({ what: "remove", member: m }))}
      </span>
    ),
  });
  return shown;
}
