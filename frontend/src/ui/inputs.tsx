import type { ReactNode } from "react";
import { Field } from "./Field";

type Common = {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  className?: string;
  /** Where the focus begins, in a dialog. */
  autofocus?: boolean;
};

/** A line of text with its label. */
export function TextField({
  value,
  onChange,
  look = "text",
  autofocus,
  type = "text",
  autoComplete = "off",
  placeholder,
  maxLength,
  step,
  required,
  ...field
}: Common & {
  value: string;
  onChange: (value: string) => void;
  look?: "text" | "code" | "number";
  type?: "text" | "datetime-local" | "search" | "email" | "password";
  /** What the browser may fill in; nothing unless it is named. */
  autoComplete?: string;
  placeholder?: string | undefined;
  maxLength?: number;
  /** How fine a moment may be, in seconds; a minute unless it is said. */
  step?: number;
  required?: boolean;
}) {
  const looks = { text: "", code: "font-mono text-small", number: "text-right" };
  return (
    <Field {...field}>
      {(wiring) => (
        <input
          {...wiring}
          type={type}
          data-autofocus={autofocus || undefined}
          inputMode={look === "number" ? "numeric" : undefined}
          autoComplete={autoComplete}
          spellCheck={false}
          placeholder={placeholder}
          maxLength={maxLength}
          step={step}
          required={required}
          className={`control w-full ${looks[look]}`}
          value={value}
          onChange={(e) => onChange(e.target.value)}
        />
      )}
    </Field>
  );
}

export type Choice = { value: string; label: string; disabled?: boolean };
export type ChoiceGroup = { group: string; choices: Choice[] };

/** A choice out of a list, which may be in groups. */
export function SelectField({
  value,
  choices,
  onChange,
  autofocus,
  ...field
}: Common & {
  value: string;
  choices: Array<Choice | ChoiceGroup>;
  onChange: (value: string) => void;
}) {
  return (
    <Field {...field}>
      {(wiring) => (
        <select
          {...wiring}
          data-autofocus={autofocus || undefined}
          className="control w-full"
          value={value}
          onChange={(e) => onChange(e.target.value)}
        >
          {choices.map((choice) =>
            "group" in choice
              ? choice.choices.length > 0 && (
                  <optgroup key={choice.group} label={choice.group}>
                    {choice.choices.map(option)}
                  </optgroup>
                )
              : option(choice),
          )}
        </select>
      )}
    </Field>
  );
}

const option = ({ value, label, disabled }: Choice) => (
  <option key={value} value={value} disabled={disabled}>
    {label}
  </option>
);

/** A choice out of few, each with what it means. */
export function RadioField<V extends string>({
  label,
  name,
  value,
  choices,
  onChange,
  columns = 3,
}: {
  label: string;
  /** Unique on the page. */
  name: string;
  value: V;
  choices: Array<{ value: V; label: string; note: string }>;
  onChange: (value: V) => void;
  /** How many stand side by side where there is room. */
  columns?: 2 | 3;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1 font-medium">{label}</legend>
      <div className={`grid gap-2 ${columns === 2 ? "sm:grid-cols-2" : "sm:grid-cols-3"}`}>
        {choices.map((choice) => (
          <label
            key={choice.value}
            className="flex cursor-pointer items-start gap-2 rounded-control border border-line-strong px-3 py-2 hover:bg-hover has-checked:border-accent has-checked:bg-accent-soft"
          >
            <input
              type="radio"
              name={name}
              className="mt-0.5 size-4 shrink-0 accent-(--accent)"
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
            />
            <span className="min-w-0">
              <span className="block font-medium">{choice.label}</span>
              <span className="block text-small text-muted">{choice.note}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A yes or no. */
export function CheckField({
  label,
  note,
  checked,
  onChange,
}: {
  label: string;
  note?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  return (
    <label className="flex cursor-pointer items-start gap-2">
      <input
        type="checkbox"
        className="mt-0.5 size-4 shrink-0 accent-(--accent)"
        checked={checked}
        onChange={(e) => onChange(e.target.checked)}
      />
      <span className="min-w-0">
        <span className="block font-medium">{label}</span>
        {note && <span className="block text-small text-muted">{note}</span>}
      </span>
    </label>
  );
}
