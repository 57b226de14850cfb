import { graphql } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { LimitFields } from "~/limit/fields";
import { Badge } from "~/ui/Badge";
import { PageHead } from "~/ui/Panel";
import { ErrorState, Loading, Skeleton } from "~/ui/states";
import { NotFound } from "./NotFound";
import { TierLimits } from "./tier-limit-list";
import { TierPreview } from "./tier-preview";

const VersionQuery = graphql(
  `
  query TierVersionPreview($version: ID!) {
    tierVersion(id: $version) {
      id
      number
      note
      current
      accountCount
      limits {
        ...LimitFields
      }
      tier {
        id
        name
      }
    }
  }
`,
  [LimitFields],
);

/** One version of a tier: its limits, and what they would have done to all of the tier's accounts. */
export default function TierVersionPreview({ id, version }: { id: string; version: string }) {
  const { data, error, loading, reload } = usePolled({
    query: VersionQuery,
    variables: { version },
    everyMS: null,
  });
  if (error && !data)
    return <ErrorState page="Preview" what="the version" error={error} retry={reload} />;
  if (loading || !data)
    return (
      <Loading page="Preview" what="the version">
        <Skeleton className="h-10 w-48" />
        <Skeleton className="mt-4 h-40 w-full" />
        <Skeleton className="mt-4 h-72 w-full" />
      </Loading>
    );
  const shown = data.tierVersion;
  if (!shown || shown.tier.id !== id) return <NotFound what="version" />;
  const called = shown.number === null ? "Draft" : `Version ${shown.number}`;
  return (
    <>
      <PageHead
        name={`Preview of ${called.toLowerCase()}`}
        within={[shown.tier.name, "Tiers"]}
        trail={
          <>
            <Above to={paths.tiers}>Tiers</Above> /{" "}
            <Above to={paths.tier(id)}>{shown.tier.name}</Above> /{" "}
            <Above to={paths.tierVersions(id)}>Versions</Above>
          </>
        }
        title={
          <>
            {called}
            {shown.current && <Badge kind="good">Current</Badge>}
          </>
        }
        note={shown.note || undefined}
      />
      <TierLimits limits={shown.limits} />
      <TierPreview
        key={shown.id}
        tierId={id}
        sources={[{ value: shown.id, label: called, limits: { versionId: shown.id } }]}
        atOnce
      />
    </>
  );
}

function Above({ to, children }: { to: string; children: string }) {
  return (
    <AppLink to={to} className="hover:text-accent hover:underline">
      {children}
    </AppLink>
  );
}
