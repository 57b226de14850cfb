import { CheckField, TextField } from "~/ui/inputs";
import type { AdaptiveDraft } from "./tier-form";
import type { Edit } from "./tier-limit-fields";

const usualAdaptive: AdaptiveDraft = {
  errorPercent: "10",
  slowMs: "",
  slowPercent: "",
  floorPercent: "20",
};

const fields: Array<{ field: keyof AdaptiveDraft; label: string; hint: string }> = [
  { field: "errorPercent", label: "Errors over, in percent", hint: "5xx; empty: don’t count." },
  { field: "slowMs", label: "Slow from, in ms", hint: "Empty: latency doesn’t count." },
  { field: "slowPercent", label: "Slow answers over, in percent", hint: "Goes with “slow from”." },
  { field: "floorPercent", label: "Down to, in percent", hint: "Of the amount; 1 to 99." },
];

/** The rule by which a limit tightens while the upstream is unwell. */
export function AdaptiveFields({
  limit,
  problemAt,
  onChange,
  className,
}: Edit & { className: string }) {
  const { adaptive } = limit;
  return (
    <div className="flex flex-col gap-3">
      <CheckField
        label="Tighten while the upstream is unwell"
        note="Stepwise, while too many answers are errors or slow; it recovers by itself."
        checked={adaptive !== null}
        onChange={(on) => onChange({ adaptive: on ? usualAdaptive : null }, "adaptive")}
      />
      {problemAt("adaptive") && (
        <p role="alert" className="text-small text-error">
          {problemAt("adaptive")}
        </p>
      )}
      {adaptive && (
        <div className={className}>
          {fields.map(({ field, label, hint }) => (
            <TextField
              key={field}
              label={label}
              hint={hint}
              error={problemAt(`adaptive.${field}`)}
              look="number"
              value={adaptive[field]}
              onChange={(text) =>
                onChange({ adaptive: { ...adaptive, [field]: text } }, `adaptive.${field}`)
              }
            />
          ))}
        </div>
      )}
    </div>
  );
}
