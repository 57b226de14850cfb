import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import type { Granularity } from "~/app/range";
import {
  comparisons,
  type Dimension,
  defaultTop,
  dimensionNames,
  dimensions,
  fits,
  granularities,
  isMetered,
  measures,
  tops,
} from "~/explore/question";
import type { Asked } from "~/explore/useQuestion";

const MetersQuery = graphql(`
  query ExplorableMeters {
    meters(first: 1000) {
      nodes {
        id
        name
        unit
      }
    }
  }
`);

export type CustomMeter = { id: string; name: string; unit: string };

export function useMeters(): CustomMeter[] {
  const [{ data }] = useQuery({ query: MetersQuery, requestPolicy: "cache-and-network" });
  return data?.meters.nodes ?? [];
}

/** What is shown of usage, how it is split, and what it is held against. */
export function UsageControls({
  asked,
  meters,
  isHeat,
}: {
  asked: Asked;
  meters: CustomMeter[];
  isHeat: boolean;
}) {
  const { question: q, change } = asked;
  const [first, second] = q.groupBy;
  const group = (...by: Array<Dimension | "" | undefined>) =>
    change({ group: by.filter(Boolean).join(",") || "none", only: null });
  return (
    <fieldset className="flex min-w-0 flex-wrap items-end gap-x-3 gap-y-2">
      <legend className="sr-only">What to show</legend>
      <MeasureChoice asked={asked} meters={meters} isHeat={isHeat} />
      {!isHeat && (
        <>
          <Choice
            label="Group by"
            value={first ?? ""}
            onChange={(d) => group(d as Dimension, second)}
          >
            <option value="">Nothing</option>
            <DimensionOptions without={second} metered={q.meter !== null} />
          </Choice>
          {first && (
            <Choice
              label="and by"
              value={second ?? ""}
              onChange={(d) => group(first, d as Dimension)}
            >
              <option value="">Nothing</option>
              <DimensionOptions without={first} metered={q.meter !== null} />
            </Choice>
          )}
          <PointsChoice asked={asked} />
        </>
      )}
      <ZoneChoice asked={asked} />
      {!isHeat && (
        <>
          <Choice
            label="Compare with"
            value={q.compare ?? ""}
            onChange={(compare) => change({ compare })}
          >
            <option value="">Nothing</option>
            {Object.entries(comparisons).map(([name, { label }]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </Choice>
          {first && (
            <Choice
              label="Groups"
              value={String(q.top)}
              onChange={(top) => change({ top: top === String(defaultTop) ? null : top })}
            >
              {tops.map((top) => (
                <option key={top} value={top}>
                  Top {top}
                </option>
              ))}
            </Choice>
          )}
        </>
      )}
    </fieldset>
  );
}

function DimensionOptions({
  without,
  metered,
}: {
  without: Dimension | undefined;
  metered: boolean;
}) {
  return dimensionNames
    .filter((name) => name !== without)
    .map((name) => (
      <option key={name} value={name} disabled={metered && !isMetered(name)}>
        {dimensions[name].label}
      </option>
    ));
}

function MeasureChoice({
  asked,
  meters,
  isHeat,
}: {
  asked: Asked;
  meters: CustomMeter[];
  isHeat: boolean;
}) {
  const { question: q, change } = asked;
  return (
    <Choice
      label="Measure"
      value={q.meter === null ? q.measure : `meter:${q.meter}`}
      onChange={(measure) => change({ measure: measure === "requests" ? null : measure })}
    >
      {Object.entries(measures).map(([name, { label, unit }]) => (
        <option key={name} value={name} disabled={isHeat && unit === "ms"}>
          {label}
        </option>
      ))}
      {meters.length > 0 && (
        <optgroup label="Custom meters">
          {meters.map((m) => (
            <option key={m.id} value={`meter:${m.id}`} disabled={isHeat}>
              {m.name}
            </option>
          ))}
        </optgroup>
      )}
    </Choice>
  );
}

function PointsChoice({ asked }: { asked: Asked }) {
  const { question: q, change, spanMS, granularity } = asked;
  const groups = q.groupBy.length > 0 ? q.top : 0;
  return (
    <Choice
      label="Points"
      value={q.granularity ?? ""}
      onChange={(points) => change({ points: points.toLowerCase() })}
    >
      <option value="">
        {q.granularity === null
          ? `Automatic (${granularities[granularity].label.toLowerCase()})`
          : "Automatic"}
      </option>
      {Object.entries(granularities).map(([name, { label }]) => (
        <option key={name} value={name} disabled={!fits(name as Granularity, spanMS, groups)}>
          {label}
        </option>
      ))}
    </Choice>
  );
}

function ZoneChoice({ asked }: { asked: Asked }) {
  const { question: q, change, account } = asked;
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = ["utc", "mine", "account"].includes(q.zone);
  return (
    <Choice
      label="Time zone"
      value={q.zone}
      onChange={(zone) => change({ zone: zone === "utc" ? null : zone })}
    >
      <option value="utc">UTC</option>
      <option value="mine">Mine ({mine})</option>
      <option value="account" disabled={account === null}>
        {account ? `The account’s (${account.timeZone})` : "The account’s (choose one)"}
      </option>
      {!known && <option value={q.zone}>{q.zone}</option>}
    </Choice>
  );
}

function Choice({
  label,
  value,
  onChange,
  children,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: React.ReactNode;
}) {
  return (
    <label className="flex min-w-0 flex-col gap-0.5">
      <span className="text-small text-faint">{label}</span>
      <select
        className="control max-w-48 min-w-0"
        value={value}
        onChange={(e) => onChange(e.target.value)}
      >
        {children}
      </select>
    </label>
  );
}
