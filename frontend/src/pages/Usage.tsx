import { useMemo } from "react";
import { groupRows } from "~/explore/figures";
import { measures } from "~/explore/question";
import { labelOf } from "~/explore/series";
import { type Asked, useQuestion } from "~/explore/useQuestion";
import { shownOf, useReport } from "~/explore/useReport";
import { PageHead } from "~/ui/Panel";
import { StaleNotice } from "~/ui/states";
import { UsageChart } from "./usage-chart";
import { type CustomMeter, UsageControls, useMeters } from "./usage-controls";
import { UsageFilters } from "./usage-filters";
import { UsageGroups } from "./usage-groups";
import { MeterRanking } from "./usage-ranking";
import { standIn } from "./usage-states";
import { UsageTotals } from "./usage-totals";

/** Usage by any dimension over any time; all of the question is in the URL. */
export default function Usage() {
  const asked = useQuestion();
  const meters = useMeters();
  return (
    <>
      <PageHead title="Usage" note="What was counted, request by request." />
      <UsageFilters question={asked.question} change={asked.change} />
      <UsageControls asked={asked} meters={meters} isHeat={false} />
      <OverTime asked={asked} meters={meters} />
    </>
  );
}

function OverTime({ asked, meters }: { asked: Asked; meters: CustomMeter[] }) {
  const { question: q } = asked;
  const report = useReport(q, asked.granularity, asked.zone, asked.waiting);
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
      {q.meter === null ? (
        <UsageChart asked={asked} report={report} shown={shown}>
          {instead}
        </UsageChart>
      ) : (
        <MeterRanking
          title={heading}
          unit={meter?.unit ?? "units"}
          total={data?.totals.meters[0]?.amount}
          rows={rows ?? []}
        >
          {instead}
        </MeterRanking>
      )}
      <UsageTotals
        totals={data?.totals}
        before={data?.previous?.totals}
        shown={shown}
        heading={heading}
      />
      {q.groupBy.length > 0 && !isEmpty && (data || !report.error) && (
        <UsageGroups
          asked={asked}
          rows={rows}
          groupCount={data?.groupCount}
          shown={shown}
          heading={heading}
        />
      )}
    </>
  );
}
