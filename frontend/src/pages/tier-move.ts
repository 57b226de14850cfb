import type { VariablesOf } from "~/api/gql";
import { clock, exact, moment, plural } from "~/ui/format";
import { wholeNumber } from "./tier-numbers";
import type { PublishTier } from "./tier-publish-mutations";

export type MoveInput = VariablesOf<typeof PublishTier>["input"]["move"];
export type MoveWhen = MoveInput["when"];

/** What is to become of the accounts, as it is being typed. */
export type MoveDraft = { when: MoveWhen; steps: string; minutes: string };

export const moveNow: MoveDraft = { when: "NOW", steps: "10, 50, 100", minutes: "60" };

const mostSteps = 20;
const mostMinutes = 43_200;

/** Percentages as people type them: 10, 50, 100 or 10 % 50 % 100 %; null while they aren't steps. */
export function stepsOf(text: string): number[] | null {
  const parts = text.split(/[\s,;%]+/).filter(Boolean);
  const steps = parts.map((p) => wholeNumber(p) ?? 0);
  const rising = steps.every((s, i) => s > (steps[i - 1] ?? 0) && s <= 100);
  return rising && steps.length <= mostSteps && steps.at(-1) === 100 ? steps : null;
}

export function moveProblems({ when, steps, minutes }: MoveDraft): Record<string, string> {
  if (when !== "STEPS") return {};
  const problems: Record<string, string> = {};
  const between = wholeNumber(minutes);
  if (stepsOf(steps) === null)
    problems["move.steps"] = "Up to 20 percentages, each above the one before, the last 100.";
  if (between === null || between > mostMinutes)
    problems["move.stepMinutes"] = "Minutes from 1 to 43,200, which is 30 days.";
  return problems;
}

/** A valid draft as the API wants it. */
export function moveInput({ when, steps, minutes }: MoveDraft): MoveInput {
  if (when !== "STEPS") return { when };
  return { when, steps: stepsOf(steps) ?? [], stepMinutes: wholeNumber(minutes) ?? 0 };
}

/** What publishing does to so many accounts, in a sentence for each thing. */
export function moveWords(
  draft: MoveDraft,
  version: string,
  accounts: { own: number; byDefault: number },
  nowMS: number,
): string[] {
  const own = plural(accounts.own, "account");
  const lines: string[] = [];
  if (accounts.own === 0)
    lines.push(
      "No account has to move. Whoever comes to the tier, or has it without an account, gets the new version at once.",
    );
  else if (draft.when === "NONE")
    lines.push(
      `${own} ${accounts.own === 1 ? "stays" : "stay"} on the version that they are on until somebody moves them.`,
    );
  else if (draft.when === "NOW")
    lines.push(`${own} ${accounts.own === 1 ? "moves" : "move"} to ${version} in about a second.`);
  else if (draft.when === "PERIOD_END")
    lines.push(
      `${own} ${accounts.own === 1 ? "moves" : "move"} at the end of their billing period, each in its time zone; the last within a month.`,
    );
  else lines.push(...stepWords(draft, accounts.own, nowMS));
  if (accounts.byDefault > 0)
    lines.push(
      `${plural(accounts.byDefault, "account")} ${accounts.byDefault === 1 ? "has" : "have"} it as the default tier, and ${accounts.byDefault === 1 ? "follows" : "follow"} at once in any case.`,
    );
  lines.push("Limits that stay keep their counters; nobody begins anew.");
  return lines;
}

/** How many accounts each step moves, and when. */
function stepWords({ steps, minutes }: MoveDraft, own: number, nowMS: number): string[] {
  const percentages = stepsOf(steps);
  const between = wholeNumber(minutes);
  if (percentages === null || between === null) return [];
  return percentages.map((percent, i) => {
    const before = percentages[i - 1] ?? 0;
    const count = Math.round((own * percent) / 100) - Math.round((own * before) / 100);
    const atMS = nowMS + i * between * 60_000;
    const at = atMS - nowMS < 12 * 3_600_000 ? clock(atMS).slice(0, 5) : moment(atMS).slice(0, 16);
    return `To ${percent}%: about ${exact.format(count)} ${i === 0 ? "at once" : `more at ${at}`}`;
  });
}
