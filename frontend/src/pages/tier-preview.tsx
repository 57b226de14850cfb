import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useClient } from "urql";
import { explain } from "~/api/errors";
import { Permitted } from "~/app/Permitted";
import { Button } from "~/ui/Button";
import { exact, plural } from "~/ui/format";
import { SelectField } from "~/ui/inputs";
import { Panel } from "~/ui/Panel";
import { EmptyState, Loading, Notice, Skeleton } from "~/ui/states";
import { between, PreviewAccounts } from "./tier-preview-accounts";
import { PreviewChart } from "./tier-preview-chart";
import {
  type Played,
  type PreviewedAccount,
  PreviewQuery,
  type Report,
} from "./tier-preview-query";
import type { Source } from "./tier-preview-sources";

const ranges = [
  { value: "1", label: "last hour" },
  { value: "24", label: "last day" },
  { value: "168", label: "last 7 days" },
  { value: "720", label: "last 30 days" },
];

/** What the limits of a form, a draft or a version would have done to the usage of the tier's accounts. */
export function TierPreview({
  tierId,
  sources,
  asked = 0,
  atOnce = false,
}: {
  tierId: string;
  /** The limits that can be played, of which the first are unless others are chosen. */
  sources: readonly [Source, ...Source[]];
  /** Counts how often the last of them were asked for elsewhere. */
  asked?: number;
  /** Plays the first as soon as it is shown. */
  atOnce?: boolean;
}) {
  const client = useClient();
  const box = useRef<HTMLDivElement>(null);
  const plays = useRef(0);
  const [hours, setHours] = useState("24");
  const [wanted, setWanted] = useState(sources[0].value);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const [played, setPlayed] = useState<(Played & { of: string }) | null>(null);
  const source = sources.find((s) => s.value === wanted) ?? sources[0];
  const questionOf = (from: Source) => JSON.stringify([from.limits, from.savedAt, hours]);
  const play = async (from: Source) => {
    const turn = ++plays.current;
    setBusy(true);
    const input = {
      tierId,
      ...from.limits,
      from: new Date(Date.now() - Number(hours) * 3_600_000).toISOString(),
    };
    const of = questionOf(from);
    const answer = await client
      .query(PreviewQuery, { input }, { requestPolicy: "network-only" })
      .toPromise();
    if (turn !== plays.current) return; // another one was asked for since
    setBusy(false);
    setFailed(answer.error ? explain(answer.error) : null);
    const report = answer.data?.preview;
    setPlayed(
      report ? { report, input: { ...input, from: report.from, to: report.to }, of } : null,
    );
  };
  const playAsked = useEffectEvent(async () => {
    const last = sources[sources.length - 1] ?? sources[0];
    setWanted(last.value);
    await play(last);
    // Not before the answer is there: it is taller than the page was.
    requestAnimationFrame(() => {
      box.current?.focus({ preventScroll: true });
      box.current?.scrollIntoView({ block: "start" });
    });
  });
  useEffect(() => {
    if (asked > 0) void playAsked();
  }, [asked]);
  const playFirst = useEffectEvent(() => void play(sources[0]));
  useEffect(() => {
    if (atOnce) playFirst();
  }, [atOnce]);
  return (
    <Permitted needs="USAGE_READ" unbound>
      <div
        ref={box}
        tabIndex={-1}
        className="flex min-w-0 scroll-mt-18 flex-col gap-4 outline-none"
      >
        <Panel
          title="What would this do?"
          note="Limits played on the stored usage of the tier’s accounts, beside those that they have today"
        >
          <div className="flex flex-wrap items-end gap-3 px-4 pb-4">
            {sources.length > 1 && (
              <SelectField
                label="Play"
                value={source.value}
                choices={[...sources]}
                onChange={setWanted}
              />
            )}
            <SelectField
              label="On the usage of the"
              value={hours}
              choices={ranges}
              onChange={setHours}
            />
            <Button
              busy={busy}
              disabled={source.invalid ?? false}
              onClick={() => void play(source)}
            >
              Play
            </Button>
          </div>
          {failed && (
            <div className="px-4 pb-4">
              <Notice kind="error">{failed}</Notice>
            </div>
          )}
          {busy && !played && (
            <Loading what="what the limits would have done">
              <Skeleton className="mx-4 mb-4 h-10" />
            </Loading>
          )}
          {played && played.of !== questionOf(source) && !busy && (
            <p className="px-4 pb-3 text-muted">This was before your last change; play it again.</p>
          )}
          {played && <Summary report={played.report} />}
        </Panel>
        {played && played.report.total.requests > 0 && (
          <Details key={JSON.stringify(played.input)} played={played} />
        )}
      </div>
    </Permitted>
  );
}

/** Who would have been throttled, and when: all, or one account that is chosen. */
function Details({ played }: { played: Played }) {
  const [account, setAccount] = useState<PreviewedAccount["account"] | null>(null);
  const whom = useRef<HTMLDivElement>(null);
  const showAll = () => {
    // The button that was pressed goes; the focus is back where the account was chosen.
    whom.current?.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
    setAccount(null);
  };
  return (
    <>
      <PreviewChart played={played} account={account} onAll={showAll} />
      <div ref={whom} className="contents">
        <Panel title="Whom" note="the hardest hit first">
          <PreviewAccounts
            report={played.report}
            chosen={account?.id ?? null}
            onChoose={setAccount}
          />
        </Panel>
      </div>
    </>
  );
}

function Summary({ report }: { report: Report }) {
  const { total } = report;
  if (total.requests === 0)
    return (
      <EmptyState title="No usage to play">
        The tier’s {plural(report.accountCount, "account")} sent nothing in this time.
      </EmptyState>
    );
  const accounts = between({ atLeast: report.surely, atMost: report.possibly });
  const today = between({ atLeast: report.surelyToday, atMost: report.possiblyToday });
  return (
    <p role="status" className="px-4 pb-4">
      <span className="font-medium">
        {report.possibly === 0
          ? `None of ${plural(report.accountCount, "account")} would have been throttled.`
          : `${accounts} of ${plural(report.accountCount, "account")} would have been throttled: ${between(total)} of ${plural(total.requests, "request")}.`}
      </span>{" "}
      {report.possiblyToday === 0
        ? "With today’s limits none would have been."
        : `With today’s limits: ${today} of the accounts, ${between(total.today)} of the requests.`}{" "}
      Really throttled: {exact.format(total.throttled)}.
      {(total.atLeast !== total.atMost || total.today.atLeast !== total.today.atMost) && (
        <span className="block text-small text-muted">
          Usage is known by the minute: the first figure is with requests spread evenly, the second
          with those of each minute at the worst moment.
        </span>
      )}
    </p>
  );
}
