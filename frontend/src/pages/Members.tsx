import { Check, Mail, OctagonX, UserPlus } from "lucide-react";
import { useCallback, useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { useNow, useQueryState } from "~/app/location";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { type Deed, RowMenu } from "~/ui/RowMenu";
import { SearchBox } from "~/ui/SearchBox";
import { EmptyState, ErrorState } from "~/ui/states";
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
import { isRole, roles } from "./members-roles";
import { EmailDialog, ResetTotpDialog, UnlinkDialog } from "./members-sign-in";
import { SettingsNav } from "./settings-nav";

const MembersQuery = graphql(`
  query Members($after: String, $search: String, $role: Role) {
    members(first: 100, after: $after, search: $search, role: $role) {
      totalCount
      nodes {
        id
        name
        email
        role
        status
        revision
        hasTotp
        hasOpenId
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
  | { what: "role" | "email" | "disable" | "remove" | "totp" | "unlink"; member: Member }
  | { what: "link"; link: Link };

/** Who may sign in, and what they may do. */
export default function Members() {
  const [query, change] = useQueryState();
  const after = query.get("after");
  const text = query.get("text") ?? "";
  const role = query.get("role");
  const search = useCallback((found: string) => change({ text: found, after: null }), [change]);
  const { data, error, reload } = usePolled({
    query: MembersQuery,
    variables: { after, search: text || null, role: isRole(role) ? role : null },
    everyMS: null,
    key: JSON.stringify([after, text, role]),
  });
  const { may } = useViewer();
  const [open, setOpen] = useState<Open | null>(null);
  const nowMS = useNow(10_000);
  const deeds = useDeeds(setOpen);
  // What somebody else changed meanwhile is read as well.
  const close = () => {
    setOpen(null);
    reload();
  };
  if (error && !data)
    return <ErrorState page="Members" what="the members" error={error} retry={reload} />;
  return (
    <>
      <PageHead
        title="Members"
        within={["Settings"]}
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
      <SettingsNav />
      <Panel
        title="Who may sign in"
        note={data && plural(data.members.totalCount, "member")}
        actions={
          <>
            <SearchBox label="Name or e-mail" value={text} onChange={search} />
            <select
              aria-label="Role"
              className="control"
              value={role ?? ""}
              onChange={(e) => change({ role: e.target.value, after: null })}
            >
              <option value="">All roles</option>
              {Object.entries(roles).map(([value, { label }]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </>
        }
      >
        {data?.members.totalCount === 0 ? (
          <EmptyState
            title="No such members"
            action={
              <Button onClick={() => change({ text: null, role: null, after: null })}>
                Show all members
              </Button>
            }
          >
            Nobody with that in their name or e-mail address has this role.
          </EmptyState>
        ) : (
          <Table
            label="Members"
            columns={columns(nowMS, may("MEMBERS_WRITE"), setOpen, deeds)}
            rows={data?.members.nodes}
            rowKey={(m) => m.id}
            skeletonRows={3}
          />
        )}
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
      {open?.what === "email" && <EmailDialog member={open.member} onClose={close} />}
      {open?.what === "disable" && <DisableDialog member={open.member} onClose={close} />}
      {open?.what === "remove" && <RemoveDialog member={open.member} onClose={close} />}
      {open?.what === "totp" && <ResetTotpDialog member={open.member} onClose={close} />}
      {open?.what === "unlink" && <UnlinkDialog member={open.member} onClose={close} />}
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
          <span className="max-w-64 truncate font-medium max-sm:max-w-40" title={nameOf(m)}>
            {nameOf(m)}
          </span>
          {m.status !== "ACTIVE" && <span className="sm:hidden">{states[m.status]}</span>}
          {m.name && (
            <span
              className="max-w-64 truncate text-small text-faint max-sm:max-w-40"
              title={m.email ?? undefined}
            >
              {m.email}
            </span>
          )}
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
          {m.account && (
            <span
              className="block max-w-48 truncate text-small text-muted max-sm:max-w-24"
              title={m.account.name}
            >
              of {m.account.name}
            </span>
          )}
        </span>
      ),
    },
    {
      id: "state",
      head: "State",
      from: "sm",
      sort: (m) => m.status,
      cell: (m) => states[m.status],
    },
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
  shown.push({
    id: "actions",
    head: "Actions",
    hideHead: true,
    numeric: true,
    cell: (m) => <RowMenu of={nameOf(m)} deeds={deedsOf(m, open, deeds)} />,
  });
  return shown;
}

/** What can be done with a member as they are. */
function deedsOf(
  m: Member,
  open: (open: Open) => void,
  deeds: ReturnType<typeof useDeeds>,
): Deed[] {
  const all: Array<Deed | false> = [
    { label: "Role", onSelect: () => open({ what: "role", member: m }) },
    { label: "E-mail", onSelect: () => open({ what: "email", member: m }) },
    m.status !== "DISABLED" && { label: "New link", onSelect: () => void deeds.link(m) },
    m.status === "ACTIVE" && { label: "Sign out everywhere", onSelect: () => void deeds.end(m) },
    m.hasTotp && {
      label: "Reset second step",
      onSelect: () => open({ what: "totp", member: m }),
    },
    m.hasOpenId && {
      label: "Unlink from provider",
      onSelect: () => open({ what: "unlink", member: m }),
    },
    {
      label: m.status === "DISABLED" ? "Enable" : "Disable",
      danger: m.status !== "DISABLED",
      onSelect: () => open({ what: "disable", member: m }),
    },
    { label: "Remove", danger: true, onSelect: () => open({ what: "remove", member: m }) },
  ];
  return all.filter((deed) => deed !== false);
}
