import { useQueryState } from "~/app/location";
import { PageHead, Panel } from "~/ui/Panel";
import { ScheduledTable, type ScheduleStatus, scheduleWords } from "./scheduled-rows";

const isStatus = (text: string | null): text is ScheduleStatus =>
  text !== null && text in scheduleWords;

/** The changes that are made at a time, and what became of those of the past. */
export default function Scheduled() {
  const [query, change] = useQueryState();
  const status = query.get("status");
  return (
    <>
      <PageHead
        title="Scheduled"
        note="Changes that are made at their time, as whoever scheduled them and with the rights that they have then."
      />
      <Panel
        title="Scheduled changes"
        note="newest first"
        actions={
          <select
            aria-label="Status"
            className="control"
            value={status ?? ""}
            onChange={(e) => change({ status: e.target.value, after: null })}
          >
            <option value="">All</option>
            {Object.entries(scheduleWords).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        }
      >
        <ScheduledTable
          statuses={isStatus(status) ? [status] : null}
          after={query.get("after")}
          onTurn={(after) => change({ after })}
        />
      </Panel>
    </>
  );
}
