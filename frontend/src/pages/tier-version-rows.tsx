import { useNow } from "~/app/location";
import { diffLimits, isDifferent, type LimitDiff } from "~/limit/diff";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { exact } from "~/ui/format";
import { type Column, Table } from "~/ui/Table";
import { When } from "~/ui/When";
import type { Version } from "./TierVersions";

type Row = Version & {
  /** What it changed of the one before; undefined when that is on another page. */
  did: LimitDiff[] | undefined;
};

/** What can be done with versions. */
type DeedsOf = {
  onCompare: (version: Version) => void;
  /** Null where there is nobody to play it on, and for those who may not. */
  onPreview: ((version: Version) => void) | null;
  /** Null for those who may not publish. */
  onAgain: ((version: Version) => void) | null;
};

/** The versions of a tier, newest first. */
export function VersionTable({ versions, ...deeds }: { versions: readonly Version[] } & DeedsOf) {
  const nowMS = useNow(30_000);
  const rows = versions.map((v, i): Row => {
    const before = versions[i + 1];
    return { ...v, did: before && diffLimits(before.limits, v.limits) };
  });
  return (
    <Table label="Versions" columns={columns(nowMS, deeds)} rows={rows} rowKey={(v) => v.id} />
  );
}

function columns(nowMS: number, deeds: DeedsOf): Column<Row>[] {
  return [
    {
      id: "number",
      head: "Version",
      cell: (v) => (
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1 py-1">
          <span className="font-medium">{v.number}</span>
          {v.current && <Badge kind="good">Current</Badge>}
        </span>
      ),
    },
    {
      id: "what",
      head: "What",
      cell: (v) => (
        <span className="block max-w-96 py-1">
          {v.note && <span className="block">{v.note}</span>}
          <span className="block text-small text-muted">{whatItDid(v)}</span>
          <Deeds version={v} {...deeds} className="-ml-2 lg:hidden" />
        </span>
      ),
    },
    {
      id: "accounts",
      head: "Accounts",
      numeric: true,
      cell: (v) => exact.format(v.accountCount),
    },
    {
      id: "by",
      head: "By",
      from: "md",
      cell: (v) => (
        <span className="text-muted">
          {v.publishedBy?.kind === "SYSTEM" ? "Weir" : v.publishedBy?.name}
        </span>
      ),
    },
    {
      id: "at",
      head: "Published",
      from: "sm",
      numeric: true,
      cell: (v) =>
        v.publishedAt && <When at={v.publishedAt} nowMS={nowMS} className="text-muted" />,
    },
    {
      id: "deeds",
      head: "Compare, preview or publish again",
      hideHead: true,
      numeric: true,
      from: "lg",
      cell: (v) => <Deeds version={v} {...deeds} />,
    },
  ];
}

/** What can be done with a version; with the current one less. */
function Deeds({
  version,
  onCompare,
  onPreview,
  onAgain,
  className = "",
}: { version: Version; className?: string } & DeedsOf) {
  const { current, number } = version;
  const deeds = [
    {
      verb: "Compare",
      name: `Compare version ${number} with the current one`,
      on: !current && onCompare,
    },
    { verb: "Preview", name: `Preview version ${number}`, on: onPreview },
    { verb: "Publish again", name: `Publish again version ${number}`, on: !current && onAgain },
  ];
  return (
    <span className={`flex flex-wrap gap-1 lg:justify-end ${className}`}>
      {deeds.map(
        ({ verb, name, on }) =>
          on && (
            <Button
              key={verb}
              kind="quiet"
              className="px-2!"
              aria-label={name}
              onClick={() => on(version)}
            >
              {verb}
            </Button>
          ),
      )}
    </span>
  );
}

const mostNamed = 3;

/** What a version changed of the one before, by the names of the limits. */
function whatItDid({ number, did }: Row): string {
  if (did === undefined) return number === 1 ? "The first one." : "";
  if (!isDifferent(did)) return "The same limits as the one before.";
  const said = did.filter((d) => d.change !== "same").map(briefly);
  const more = said.length - mostNamed;
  return said.slice(0, mostNamed).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function briefly({ name, change, fields }: LimitDiff): string {
  const allows = fields.find((f) => f.field === "Allows");
  if (change === "changed" && allows) return `${name}: ${allows.before} → ${allows.after}`;
  return `${name} ${change}`;
}
