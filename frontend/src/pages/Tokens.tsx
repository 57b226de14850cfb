import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useNow, useQueryState } from "~/app/location";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { plural } from "~/ui/format";
import { Pager } from "~/ui/Pager";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { When } from "~/ui/When";
import { SettingsNav } from "./settings-nav";
import { CreateTokenDialog, permissionWords } from "./tokens-create";

const TokensQuery = graphql(`
  query Tokens($after: String) {
    apiTokens(first: 100, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        prefix
        scopes
        createdAt
        expiresAt
        lastUsedAt
        account {
          id
          name
        }
        createdBy {
          id
          name
        }
      }
    }
  }
`);

const RevokeToken = graphql(`
  mutation RevokeToken($id: ID!) {
    revokeApiToken(id: $id) {
      token {
        id
        revokedAt
      }
    }
  }
`);

type Token = ResultOf<typeof TokensQuery>["apiTokens"]["nodes"][number];

/** What scripts sign in with. */
export default function Tokens() {
  const [query, change] = useQueryState();
  const after = query.get("after");
  const { data, error, reload } = usePolled({
    query: TokensQuery,
    variables: { after },
    everyMS: null,
  });
  const [creating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState<Token | null>(null);
  const nowMS = useNow(10_000);
  if (error && !data)
    return <ErrorState page="API tokens" what="the API tokens" error={error} retry={reload} />;
  const create = (
    <Button
      kind="primary"
      icon={<Plus aria-hidden className="size-4" />}
      onClick={() => setCreating(true)}
    >
      New token
    </Button>
  );
  return (
    <>
      <PageHead title="API tokens" within={["Settings"]} actions={create} />
      <SettingsNav />
      <Panel
        title="Tokens"
        note={data && `${plural(data.apiTokens.totalCount, "token")} not revoked`}
      >
        {data?.apiTokens.totalCount === 0 ? (
          <EmptyState title="No API tokens">
            A script signs in with an API token, which has only the permissions that you give it.
          </EmptyState>
        ) : (
          <Table
            label="API tokens"
            columns={columns(nowMS, setRevoked)}
            rows={data?.apiTokens.nodes}
            rowKey={(t) => t.id}
            skeletonRows={2}
          />
        )}
        <Pager
          page={data?.apiTokens.pageInfo}
          after={after}
          onTurn={(to) => change({ after: to })}
        />
      </Panel>
      {creating && <CreateTokenDialog onClose={() => setCreating(false)} onCreated={reload} />}
      {revoked && (
        <RevokeDialog token={revoked} onRevoked={reload} onClose={() => setRevoked(null)} />
      )}
    </>
  );
}

function RevokeDialog({
  token,
  onRevoked,
  onClose,
}: {
  token: Token;
  onRevoked: () => void;
  onClose: () => void;
}) {
  const [{ fetching, error }, revoke] = useMutation(RevokeToken);
  const say = useToast();
  const confirm = async () => {
    const result = await revoke({ id: token.id });
    if (result.error) return;
    say(`${token.name} is revoked`);
    onRevoked();
    onClose();
  };
  return (
    <Confirm
      title={`Revoke ${token.name}?`}
      confirm="Revoke for good"
      typed={token.name}
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      Requests with it are refused with 401 from now on, and its subscriptions end within half a
      minute.
    </Confirm>
  );
}

const columns = (nowMS: number, revoke: (token: Token) => void): Column<Token>[] => [
  {
    id: "name",
    head: "Token",
    sort: (t) => t.name,
    cell: (t) => (
      <span className="flex flex-wrap items-center gap-x-2">
        <KeyRound aria-hidden className="size-4 text-faint" />
        <span className="font-medium">{t.name}</span>
        <code className="font-mono text-small text-muted">{t.prefix}…</code>
      </span>
    ),
  },
  {
    id: "scopes",
    head: "May",
    from: "md",
    stacks: true,
    cell: (t) => (
      <span className="text-small text-muted" title={t.scopes.map(permissionWords).join(", ")}>
        {t.scopes.length > 3
          ? `${t.scopes.length} permissions`
          : t.scopes.map(permissionWords).join(", ")}
        {t.account && (
          <span className="block max-w-56 truncate" title={t.account.name}>
            {t.account.name} only
          </span>
        )}
      </span>
    ),
  },
  {
    id: "by",
    head: "Made by",
    from: "lg",
    stacks: true,
    sort: (t) => t.createdBy?.name ?? "",
    cell: (t) => t.createdBy?.name ?? <span className="text-faint">the command line</span>,
  },
  {
    id: "used",
    head: "Last used",
    from: "sm",
    stacks: true,
    sort: (t) => t.lastUsedAt ?? "",
    cell: (t) =>
      t.lastUsedAt ? (
        <When at={t.lastUsedAt} nowMS={nowMS} />
      ) : (
        <span className="text-faint">Never</span>
      ),
  },
  {
    id: "expires",
    head: "Expires",
    sort: (t) => t.expiresAt ?? "9",
    cell: (t) =>
      t.expiresAt ? (
        <When at={t.expiresAt} nowMS={nowMS} coming />
      ) : (
        <span className="text-faint">Never</span>
      ),
  },
  {
    id: "actions",
    head: "Actions",
    hideHead: true,
    numeric: true,
    cell: (t) => (
      <Button kind="quiet" aria-label={`Revoke ${t.name}`} onClick={() => revoke(t)}>
        Revoke
      </Button>
    ),
  },
];
