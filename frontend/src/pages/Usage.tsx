import { useMemo, useState } from "react";
import { AppLink, useQueryState, useRange } from "~/app/location";
import { paths } from "~/app/paths";
import { groupRows } from "~/explore/figures";
import { measures } from "~/explore/question";
import { labelOf } from "~/explore/series";
import { type Asked, useQuestion } from "~/explore/useQuestion";
import { shownOf, useReport } from "~/explore/useReport";
import { Button } from "~/ui/Button";
import { PageHead } from "~/ui/Panel";
import { StaleNotice } from "~/ui/states";
import { AdjustUsageButton } from "./usage-adjust";
import { UsageChart } from "./usage-chart";
import { type CustomMeter, UsageControls, useMeters } from "./usage-controls";
import { Corrections } from "./usage-corrections";
import { ExportMenu } from "./usage-export";
import { UsageFilters } from "./usage-filters";
import { UsageGroups } from "./usage-groups";
import { UsageHeat } from "./usage-heat";
import { standIn } from "./usage-states";
import { UsageTotals } from "./usage-totals";

/** Usage by any dimension over any time; all of the question is in the URL. */
export default function Usage() {
  const asked = useQuestion();
  const meters = useMeters();
  const [query] = useQueryState();
  const isHeat = query.get("view") === "week";
  return (
    <>
      <PageHead
        title="Usage"
        note="What was counted, request by request."
        actions={
          <>
            <AppLink
              to={paths.reconciliation}
              className="px-2 text-muted hover:text-accent hover:underline"
            >
              Reconciliation
            </AppLink>
            {asked.account && <AdjustUsageButton account={asked.account} />}
            <Views isHeat={isHeat} change={asked.change} />
          </>
        }
      />
      <UsageFilters question={asked.question} change={asked.change} />
      <UsageControls asked={asked} meters={meters} isHeat={isHeat} />
      {isHeat ? <UsageHeat asked={asked} /> : <OverTime asked={asked} meters={meters} />}
      {asked.account && <Corrections accountId={asked.account.id} />}
    </>
  );
}

function Views({ isHeat, change }: { isHeat: boolean; change: Asked["change"] }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label="View" className="flex gap-1.5">
      <Button
        kind={isHeat ? "plain" : "primary"}
        aria-pressed={!isHeat}
        onClick={() => change({ view: null })}
      >
        Over time
      </Button>
      <Button
        kind={isHeat ? "primary" : "plain"}
        aria-pressed={isHeat}
        onClick={() => change({ view: "week" })}
      >
        Hour of week
      </Button>
    </div>
  );
}

/** The page of groups that is shown. Another question, or another range, begins with the largest. */
function useGroupPage({ question, granularity, zone }: Asked) {
  const { range } = useRange();
  const of = JSON.stringify([question, granularity, zone, range]);
  const [page, setPage] = useState<{ of: string; after: string | null }>({ of, after: null });
  return {
    after: page.of === of ? page.after : null,
    turn: (after: string | null) => setPage({ of, after }),
  };
}

function OverTime({ asked, meters }: { asked: Asked; meters: CustomMeter[] }) {
  const { question: q } = asked;
  const { after, turn } = useGroupPage(asked);
  const report = useReport(q, asked.granularity, asked.zone, after, asked.waiting);
  const meter = meters.find((m) => m.id === q.meter);
  const shown = useMemo(() => shownOf(q), [q]);
  const heading = q.meter === null ? measures[q.measure].label : (meter?.name ?? "Custom meter");
  const { data } = report;
  const rows = useMemo(() => {
    if (!data) return undefined;
    const named = data.groups.map((g) => ({ ...g, label: labelOf(g, q.groupBy) }));
    return groupRows(named, data.other, data.totals, shown);
  }, [data, q.groupBy, shown]);
  const isEmpty = data?.totals.requests === 0 && data.groups.length === 0;
  const instead = standIn(report, isEmpty, asked, "the usage");
  return (
    <>
      {data && !instead && <StaleNotice error={report.error} retry={report.reload} />}
      <UsageChart
        asked={asked}
        report={report}
        shown={shown}
        heading={heading}
        unit={q.meter === null ? shown.unit : (meter?.unit ?? "units")}
        actions={<ExportMenu asked={asked} />}
      >
        {instead}
      </UsageChart>
      {(data || !report.error) && (
        <UsageTotals
          totals={data?.totals}
          before={data?.previous?.totals}
          shown={shown}
          heading={heading}
        />
      )}
      {q.groupBy.length > 0 && !isEmpty && (data || !report.error) && (
        <UsageGroups
          asked={asked}
          rows={rows}
          report={data}
          after={after}
          onTurn={turn}
          shown={shown}
          heading={heading}
        />
      )}
    </>
  );
}
