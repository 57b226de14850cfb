import { ArrowLeftRight } from "lucide-react";
import { useQuery } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { DiffTable } from "~/limit/DiffTable";
import { diffLimits } from "~/limit/diff";
import { LimitFields } from "~/limit/fields";
import { IconButton } from "~/ui/Button";
import { SelectField } from "~/ui/inputs";
import { Panel } from "~/ui/Panel";
import { EmptyState, Loading, Notice, Skeleton } from "~/ui/states";
import type { Version } from "./TierVersions";
import type { EditedTier } from "./tier-details";

const DiffQuery = graphql(
  `
  query TierVersionDiff($from: ID!, $to: ID!) {
    from: tierVersion(id: $from) {
      id
      number
      tier {
        id
      }
      limits {
        ...LimitFields
      }
    }
    to: tierVersion(id: $to) {
      id
      number
      tier {
        id
      }
      limits {
        ...LimitFields
      }
    }
  }
`,
  [LimitFields],
);

type Chosen = { id: string; number: number | null };
const called = ({ number }: Chosen) => (number === null ? "Draft" : `Version ${number}`);

/** What differs between any two versions of a tier, its draft among them. */
export function VersionDiff({
  tier,
  versions,
  from: fromChosen,
  to: toChosen,
  onChoose,
}: {
  tier: EditedTier;
  /** The page of them that is shown. */
  versions: readonly Version[];
  /** From the URL; the one before the newest when nothing is chosen. */
  from: string | null;
  to: string | null;
  onChoose: (chosen: { from?: string; to?: string }) => void;
}) {
  const to = toChosen ?? tier.draft?.id ?? tier.version.id;
  const before = versions.find((v) => (tier.draft && !toChosen ? v.current : !v.current));
  const from = fromChosen ?? before?.id ?? tier.version.id;
  const [{ data, error, fetching }] = useQuery({ query: DiffQuery, variables: { from, to } });
  const known = new Map<string, Chosen>();
  if (tier.draft) known.set(tier.draft.id, { id: tier.draft.id, number: null });
  for (const v of versions) known.set(v.id, v);
  const isOwn = (v: { tier: { id: string } } | null | undefined) => v?.tier.id === tier.id;
  for (const v of [data?.from, data?.to]) if (v && isOwn(v)) known.set(v.id, v);
  const choices = [...known.values()].map((v) => ({
    value: v.id,
    label: v.id === tier.version.id ? `${called(v)} (current)` : called(v),
  }));
  if (choices.length < 2)
    return (
      <Panel title="What differs">
        <EmptyState title="One version so far">
          Once another one is published, what differs between any two stands here.
        </EmptyState>
      </Panel>
    );
  return (
    <Panel title="What differs">
      <div className="flex flex-wrap items-end gap-2 px-4 pb-4">
        <SelectField
          label="From"
          value={from}
          choices={choices}
          onChange={(id) => onChoose({ from: id, to })}
        />
        <IconButton label="Swap the two versions" onClick={() => onChoose({ from: to, to: from })}>
          <ArrowLeftRight aria-hidden className="size-4" />
        </IconButton>
        <SelectField
          label="To"
          value={to}
          choices={choices}
          onChange={(id) => onChoose({ from, to: id })}
        />
      </div>
      {error ? (
        <Notice kind="error">Could not load the two versions. {explain(error)}</Notice>
      ) : fetching || !data ? (
        <Loading what="what differs">
          <Skeleton className="mx-4 mb-4 h-24" />
        </Loading>
      ) : data.from && data.to && isOwn(data.from) && isOwn(data.to) ? (
        <DiffTable
          diffs={diffLimits(data.from.limits, data.to.limits)}
          before={called(data.from)}
          after={called(data.to)}
        />
      ) : (
        <EmptyState title="There is no such version">
          One of the two is gone or of another tier; a draft is gone once it is published or thrown
          away.
        </EmptyState>
      )}
    </Panel>
  );
}
