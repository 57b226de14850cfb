import { Plus } from "lucide-react";
import { useLocation } from "wouter";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useViewer } from "~/api/viewer";
import { AppLink, useHref, useNow } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { LimitFields } from "~/limit/fields";
import { ModeBadge } from "~/limit/ModeBadge";
import { brief, scopeWords, sentence } from "~/limit/words";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { ago, exact, moment } from "~/ui/format";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState, StaleNotice } from "~/ui/states";
import { type Column, Table } from "~/ui/Table";

const TiersQuery = graphql(
  `
  query Tiers($all: Boolean!) {
    tiers(first: 1000) {
      nodes {
        id
        name
        version {
          id
          number
        }
        draft @include(if: $all) {
          id
        }
        move @include(if: $all) {
          id
          state
        }
        accountCount
        updatedAt
        limits {
          ...LimitFields
        }
      }
    }
    defaults {
      tier {
        id
      }
      anonymousTier {
        id
      }
    }
  }
`,
  [LimitFields],
);

type Answer = ResultOf<typeof TiersQuery>;
type Tier = Answer["tiers"]["nodes"][number];

export default function Tiers() {
  const { viewer } = useViewer();
  const { data, error, reload } = usePolled({
    query: TiersQuery,
    // Whoever sees one account only doesn't see what is to come of its tier.
    variables: { all: !viewer?.account },
    everyMS: null,
    pause: !viewer,
  });
  const [, navigate] = useLocation();
  const href = useHref();
  const nowMS = useNow(30_000);
  const create = (
    <Permitted needs="POLICY_WRITE">
      <Button
        kind="primary"
        icon={<Plus aria-hidden className="size-4" />}
        onClick={() => navigate(href(paths.newTier))}
      >
        New tier
      </Button>
    </Permitted>
  );
  if (error && !data)
    return <ErrorState page="Tiers" what="the tiers" error={error} retry={reload} />;
  return (
    <>
      <PageHead
        title="Tiers"
        note="Named sets of limits that accounts are put on."
        actions={create}
      />
      <StaleNotice error={error} retry={reload} />
      <Panel title="All tiers">
        {data?.tiers.nodes.length === 0 ? (
          <EmptyState title="No tiers yet" action={create}>
            A tier says how many requests its accounts may send, for example 100 a minute. Accounts
            need one.
          </EmptyState>
        ) : (
          <Table
            label="All tiers"
            columns={tierColumns(nowMS, data?.defaults)}
            rows={data?.tiers.nodes}
            rowKey={(t) => t.id}
            skeletonRows={3}
            initialSort={{ column: "name", descending: false }}
          />
        )}
      </Panel>
    </>
  );
}

/** The rate that tiers are compared by: the account's own, per second. */
function perSecond(tier: Tier): number | null {
  const seconds = { SECOND: 1, MINUTE: 60, HOUR: 3_600, DAY: 86_400, MONTH: 0, BILLING: 0 };
  const own = tier.limits.filter(
    (l) =>
      l.selector === "ALL" && l.measure === "REQUESTS" && l.mode !== "SHADOW" && seconds[l.period],
  );
  return own.length === 0 ? null : Math.min(...own.map((l) => l.amount / seconds[l.period]));
}

const isGoingOn = (state: NonNullable<Tier["move"]>["state"]) =>
  state === "RUNNING" || state === "PAUSED" || state === "STOPPING";

const shownLimits = 4;

function tierColumns(nowMS: number, defaults: Answer["defaults"] | undefined): Column<Tier>[] {
  return [
    {
      id: "name",
      head: "Tier",
      sort: (t) => t.name,
      cell: (t) => (
        <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5 py-1">
          <AppLink to={paths.tier(t.id)}>{t.name}</AppLink>
          <span className="text-faint">v{t.version.number}</span>
          {t.move && isGoingOn(t.move.state) && <Badge kind="good">Moving</Badge>}
          {t.draft && <Badge>Draft</Badge>}
          {t.id === defaults?.tier.id && <Badge>Default</Badge>}
          {t.id === defaults?.anonymousTier?.id && <Badge>Anonymous</Badge>}
        </span>
      ),
    },
    {
      id: "limits",
      head: "Limits",
      from: "sm",
      stacks: true,
      sort: perSecond,
      cell: (t) =>
        t.limits.length === 0 ? (
          <span className="text-faint">None; everything is let through</span>
        ) : (
          <ul className="flex flex-wrap gap-x-4 gap-y-0.5 sm:py-1">
            {t.limits.slice(0, shownLimits).map((limit) => (
              <li
                key={limit.id}
                title={sentence(limit)}
                className="flex items-center gap-1.5 whitespace-nowrap"
              >
                {brief(limit)}
                <span className="text-faint max-sm:hidden">
                  {limit.selector === "ALL" ? limit.name : scopeWords(limit)}
                </span>
                {limit.mode !== "ENFORCE" && <ModeBadge mode={limit.mode} />}
              </li>
            ))}
            {t.limits.length > shownLimits && (
              <li className="text-faint">and {t.limits.length - shownLimits} more</li>
            )}
          </ul>
        ),
    },
    {
      id: "accounts",
      head: "Accounts",
      numeric: true,
      sort: (t) => t.accountCount,
      cell: (t) => (
        <AppLink
          to={paths.accounts}
          own={{ tier: t.id }}
          aria-label={`${exact.format(t.accountCount)} accounts on ${t.name}`}
          className="hover:text-accent hover:underline"
        >
          {exact.format(t.accountCount)}
        </AppLink>
      ),
    },
    {
      id: "updated",
      head: "Changed",
      numeric: true,
      from: "md",
      sort: (t) => t.updatedAt,
      cell: (t) => (
        <time dateTime={t.updatedAt} title={moment(Date.parse(t.updatedAt))} className="text-muted">
          {ago(Date.parse(t.updatedAt), nowMS)}
        </time>
      ),
    },
  ];
}
