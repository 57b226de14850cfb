import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useNow } from "~/app/location";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Panel } from "~/ui/Panel";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";
import type { Session } from "./Profile";

const EndSession = graphql(`
  mutation EndSession($id: ID!) {
    endSession(id: $id) {
      viewer {
        kind
      }
    }
  }
`);

const EndOtherSessions = graphql(`
  mutation EndOtherSessions {
    endOtherSessions {
      viewer {
        kind
      }
    }
  }
`);

/** The browsers that a member is signed in with. */
export function Sessions({
  sessions,
  reload,
}: {
  sessions: Session[] | undefined;
  reload: () => void;
}) {
  const [, end] = useMutation(EndSession);
  const [{ fetching }, endOthers] = useMutation(EndOtherSessions);
  const nowMS = useNow(10_000);
  const say = useToast();
  const endOne = async (session: Session) => {
    const { error } = await end({ id: session.id });
    say(error ? explain(error) : "The session has ended");
    reload();
  };
  const endAll = async () => {
    const { error } = await endOthers({});
    say(error ? explain(error) : "Your other sessions have ended");
    reload();
  };
  return (
    <Panel
      title="Sessions"
      note="browsers that you are signed in with"
      actions={
        sessions &&
        sessions.length > 1 && (
          <Button busy={fetching} onClick={endAll}>
            End all others
          </Button>
        )
      }
    >
      <Table
        label="Sessions"
        columns={sessionColumns(nowMS, endOne)}
        rows={sessions}
        rowKey={(s) => s.id}
        skeletonRows={1}
      />
    </Panel>
  );
}

const sessionColumns = (nowMS: number, end: (session: Session) => void): Column<Session>[] => [
  {
    id: "browser",
    head: "Browser",
    cell: (s) => (
      <span className="flex min-w-0 flex-wrap items-center gap-x-2" title={s.userAgent}>
        <span className="max-w-72 truncate">{browserOf(s.userAgent)}</span>
        {s.current && <Badge kind="good">This one</Badge>}
      </span>
    ),
  },
  { id: "address", head: "From", from: "sm", stacks: true, cell: (s) => s.address },
  {
    id: "begun",
    head: "Begun",
    from: "md",
    stacks: true,
    sort: (s) => s.begunAt,
    cell: (s) => <When at={s.begunAt} nowMS={nowMS} />,
  },
  {
    id: "seen",
    head: "Last seen",
    sort: (s) => s.lastSeenAt,
    cell: (s) => <When at={s.lastSeenAt} nowMS={nowMS} />,
  },
  {
    id: "actions",
    head: "Actions",
    hideHead: true,
    numeric: true,
    cell: (s) =>
      !s.current && (
        <Button
          kind="quiet"
          aria-label={`End the session from ${s.address}`}
          onClick={() => end(s)}
        >
          End
        </Button>
      ),
  },
];

/** A browser and its system, as far as what it calls itself tells. */
export function browserOf(userAgent: string): string {
  const browser = /(Firefox|Edg|Chrome|Safari)\/([\d]+)/.exec(userAgent);
  const system = /(Windows|Macintosh|Android|iPhone|iPad|Linux)/.exec(userAgent)?.[1];
  if (!browser) return userAgent || "unknown";
  const name = browser[1] === "Edg" ? "Edge" : browser[1];
  return `${name} ${browser[2]}${system ? ` on ${system}` : ""}`;
}
