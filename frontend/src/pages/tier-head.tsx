import type { ReactNode } from "react";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { PageHead } from "~/ui/Panel";

/** What a tier is for those that have no tier of their own. */
export type TierRole = "default" | "anonymous" | null;
const roleWords = { default: "Default tier", anonymous: "For anonymous callers" };

const trail = (
  <AppLink to={paths.tiers} className="hover:text-accent hover:underline">
    Tiers
  </AppLink>
);

/** The title of a tier's pages, and the way between them. */
export function TierHead({
  tier,
  role,
  at,
  actions,
}: {
  /** Null for a new one. */
  tier: { id: string; name: string; version: { number: number | null } } | null;
  role: TierRole;
  /** Which of the pages it is. */
  at: "limits" | "versions";
  actions?: ReactNode;
}) {
  return (
    <>
      <PageHead
        name={tier && at === "versions" ? `Versions of ${tier.name}` : (tier?.name ?? "New tier")}
        within={["Tiers"]}
        trail={trail}
        title={
          <>
            {tier?.name ?? "New tier"}
            {tier && <Badge>Version {tier.version.number}</Badge>}
            {role && <Badge>{roleWords[role]}</Badge>}
          </>
        }
        actions={actions}
      />
      {tier && (
        <nav aria-label="Tier" className="flex gap-4 border-b border-line">
          <Tab to={paths.tier(tier.id)} current={at === "limits"}>
            Limits
          </Tab>
          <Tab to={paths.tierVersions(tier.id)} current={at === "versions"}>
            Versions
          </Tab>
        </nav>
      )}
    </>
  );
}

function Tab({ to, current, children }: { to: string; current: boolean; children: ReactNode }) {
  return (
    <AppLink
      to={to}
      aria-current={current ? "page" : undefined}
      className={`-mb-px border-b-2 px-1 py-2 font-medium ${current ? "border-accent text-ink" : "border-transparent text-muted hover:text-ink"}`}
    >
      {children}
    </AppLink>
  );
}
