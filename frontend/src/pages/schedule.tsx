import { useMutation } from "urql";
import { graphql, type VariablesOf } from "~/api/gql";
import { isoOfInput, moment } from "~/ui/format";
import { TextField } from "~/ui/inputs";

const ScheduleChange = graphql(`
  mutation ScheduleChange($input: ScheduleChangeInput!) {
    scheduleChange(input: $input) {
      change {
        id
        at
      }
    }
  }
`);

type Change = VariablesOf<typeof ScheduleChange>["input"]["change"];

/** Makes a change at a time; what it answers is for useSubmit. */
export function useSchedule() {
  const [, schedule] = useMutation(ScheduleChange);
  return (at: string, change: Change) =>
    schedule(
      { input: { at: isoOfInput(at) ?? "", change } },
      { additionalTypenames: ["ScheduledChange"] },
    );
}

/** When a change that is asked for in a form is to be made. */
export function AtField({
  at,
  error,
  onChange,
}: {
  at: string;
  error?: string | undefined;
  onChange: (at: string) => void;
}) {
  return (
    <TextField
      type="datetime-local"
      label="At a time"
      hint="In your time zone. Empty: now, in about a second."
      error={error}
      value={at}
      onChange={onChange}
    />
  );
}

/** A time as a form has it, in words. */
export const atWords = (at: string) => moment(Date.parse(at)).slice(0, 16);
