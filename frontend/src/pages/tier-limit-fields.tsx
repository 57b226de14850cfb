import type { Kind, Measure, Mode, Period, Subject } from "~/limit/fields";
import { periodLabel, periodsOf, usualFailMode } from "~/limit/words";
import { CheckField, RadioField, SelectField, TextField } from "~/ui/inputs";
import { AdaptiveFields } from "./tier-adaptive";
import { type Catalog, draftAmount, type LimitDraft, withKind } from "./tier-form";

export type Edit = {
  limit: LimitDraft;
  problemAt: (field: string) => string | undefined;
  onChange: (changed: Partial<LimitDraft>, field: string) => void;
};

const kinds: Array<{ value: Kind; label: string; note: string }> = [
  { value: "RATE", label: "Rate", note: "Refills steadily, and holds a burst." },
  { value: "WINDOW", label: "Sliding window", note: "Never more than so much in any period." },
  { value: "QUOTA", label: "Quota", note: "A budget for a calendar or billing period." },
];

const modes: Array<{ value: Mode; label: string; note: string }> = [
  { value: "ENFORCE", label: "Enforce", note: "Refuse with 429." },
  { value: "SOFT", label: "Soft", note: "Let through, mark and count what is over." },
  { value: "SHADOW", label: "Shadow", note: "Only count what it would have refused." },
];

/** The form of one limit, with only the fields that suit its kind and mode. */
export function LimitFieldset({
  title,
  catalog,
  ...edit
}: Edit & { title: string; catalog: Catalog }) {
  const { limit, onChange } = edit;
  const wide = "grid gap-3 sm:grid-cols-2 lg:grid-cols-4";
  return (
    <fieldset className="flex flex-col gap-4 bg-ground px-4 py-4 lg:px-8">
      <legend className="sr-only">{title}</legend>
      <WhichRequests {...edit} catalog={catalog} className={wide} />
      <RadioField
        label="How it counts"
        name={`${limit.key}-kind`}
        value={limit.kind}
        choices={kinds}
        onChange={(kind) => onChange(withKind(limit, kind), "kind")}
      />
      <HowMuch {...edit} className={wide} />
      <RadioField
        label="When it is exceeded"
        name={`${limit.key}-mode`}
        value={limit.mode}
        choices={modes}
        onChange={(mode) => onChange({ mode }, "mode")}
      />
      {limit.mode === "SOFT" && <Grace {...edit} className={wide} />}
      <div className={wide}>
        <SelectField
          label="While its state is unknown"
          hint={limit.kind === "QUOTA" ? "Such as a quota without a lease." : undefined}
          error={edit.problemAt("failMode")}
          value={limit.failMode}
          choices={[
            { value: "OPEN", label: `Let through${usual("OPEN", limit.kind)}` },
            { value: "CLOSED", label: `Refuse with 503${usual("CLOSED", limit.kind)}` },
          ]}
          onChange={(failMode) =>
            onChange({ failMode: failMode as LimitDraft["failMode"] }, "failMode")
          }
        />
        <div className="self-center sm:col-span-1 lg:col-span-3">
          <CheckField
            label="Give back what failed"
            note="What a request took is given back when the upstream answered it with a 5xx."
            checked={limit.refundErrors}
            onChange={(refundErrors) => onChange({ refundErrors }, "refundErrors")}
          />
        </div>
      </div>
      {limit.kind !== "QUOTA" && <AdaptiveFields {...edit} className={wide} />}
    </fieldset>
  );
}

const usual = (mode: string, kind: Kind) => (usualFailMode(kind) === mode ? " (usual)" : "");

type Part = Edit & { className: string };

function WhichRequests({
  limit,
  problemAt,
  onChange,
  catalog,
  className,
}: Part & { catalog: Catalog }) {
  return (
    <div className={className}>
      <TextField
        label="Name"
        hint="Stands in the RateLimit header."
        error={problemAt("name")}
        look="code"
        value={limit.name}
        onChange={(name) => onChange({ name }, "name")}
      />
      <SelectField
        label="For whom"
        error={problemAt("subject")}
        value={limit.subject}
        choices={[
          { value: "ACCOUNT", label: "The account, all keys together" },
          { value: "KEY", label: "Each key by itself" },
          {
            value: "ADDRESS",
            label: "Each client address, anonymous callers",
            disabled: limit.kind === "QUOTA",
          },
        ]}
        onChange={(subject) => onChange({ subject: subject as Subject }, "subject")}
      />
      <SelectField
        label="Which requests"
        error={problemAt("selector") ?? problemAt("endpointId") ?? problemAt("groupId")}
        value={limit.target}
        choices={[
          { value: "ALL", label: "All endpoints" },
          { value: "READS", label: "Reads: GET, HEAD, OPTIONS" },
          { value: "WRITES", label: "Writes: all other methods" },
          {
            group: "An endpoint group",
            choices: catalog.groups.map((g) => ({ value: `GROUP:${g.id}`, label: g.name })),
          },
          {
            group: "One endpoint",
            choices: catalog.endpoints.map((e) => ({
              value: `ENDPOINT:${e.id}`,
              label: `${e.method === "*" ? "any" : e.method} ${e.template}`,
            })),
          },
        ]}
        onChange={(target) => onChange({ target }, targetField(target))}
      />
      <SelectField
        label="Measures"
        hint={measureHints[limit.measure]}
        error={problemAt("measure")}
        value={limit.measure}
        choices={[
          { value: "REQUESTS", label: "Requests" },
          { value: "BYTES", label: "Bytes in and out" },
          { value: "COST", label: "Cost units" },
        ]}
        onChange={(measure) => onChange({ measure: measure as Measure }, "measure")}
      />
    </div>
  );
}

const measureHints: Record<Measure, string | undefined> = {
  REQUESTS: undefined,
  BYTES: "Charged when the response is through.",
  COST: "The endpoint’s, or what the upstream declares.",
};

function targetField(target: string): string {
  if (target.startsWith("ENDPOINT")) return "endpointId";
  return target.startsWith("GROUP") ? "groupId" : "selector";
}

const amountLabels: Record<Measure, string> = {
  REQUESTS: "Requests",
  BYTES: "Bytes",
  COST: "Cost units",
};

function HowMuch({ limit, problemAt, onChange, className }: Part) {
  const amount = draftAmount(limit);
  return (
    <div className={className}>
      <div data-amount>
        <TextField
          label={amountLabels[limit.measure]}
          hint={limit.measure === "BYTES" ? "Such as 500 MB or 1.5 GB." : undefined}
          error={problemAt("amount")}
          look="number"
          value={limit.amount}
          onChange={(text) => onChange({ amount: text }, "amount")}
        />
      </div>
      <SelectField
        label={limit.kind === "WINDOW" ? "In any" : "Per"}
        hint={limit.kind === "QUOTA" ? "In the account’s time zone." : undefined}
        error={problemAt("period")}
        value={limit.period}
        choices={periodsOf[limit.kind].map((period) => ({
          value: period,
          label: periodLabel(period, limit.kind),
        }))}
        onChange={(period) => onChange({ period: period as Period }, "period")}
      />
      {limit.kind === "RATE" && (
        <TextField
          label="Burst"
          hint="The most at once; empty for as many."
          error={problemAt("burst")}
          look="number"
          placeholder={amount === null ? "as many" : limit.amount}
          value={limit.burst}
          onChange={(burst) => onChange({ burst }, "burst")}
        />
      )}
    </div>
  );
}

function Grace({ limit, problemAt, onChange, className }: Part) {
  return (
    <div className={className}>
      <TextField
        label="Enforce beyond, in percent over"
        hint="Empty for never."
        error={problemAt("gracePercent")}
        look="number"
        placeholder="never"
        value={limit.gracePercent}
        onChange={(gracePercent) => onChange({ gracePercent }, "gracePercent")}
      />
      <TextField
        label="Enforce after being over for"
        hint="Such as 15 min or 2 h; empty for never."
        error={problemAt("graceSeconds")}
        look="number"
        placeholder="never"
        value={limit.graceTime}
        onChange={(graceTime) => onChange({ graceTime }, "graceSeconds")}
      />
    </div>
  );
}
