import { draftAmount, draftBurst, type LimitDraft, type TierDraft } from "./tier-form";
import { secondsOf, wholeNumber } from "./tier-numbers";

const mostLimits = 32;
const mostGraceSeconds = 2_592_000;
const limitName = /^[a-z0-9]+(-[a-z0-9]+)*$/;

type Problems = Record<string, string>;

/** What is wrong with the draft, by the same field paths that the server uses. */
export function validate(draft: TierDraft): Problems {
  const problems: Problems = {};
  const name = draft.name.trim();
  if (name === "") problems.name = "A tier needs a name.";
  else if ([...name].length > 64) problems.name = "At most 64 characters.";
  if (draft.limits.length > mostLimits) problems.limits = `At most ${mostLimits} limits.`;
  const someByAddress = draft.limits.some((l) => l.subject === "ADDRESS");
  draft.limits.forEach((limit, i) => {
    const found = limitProblems(limit);
    const twin = draft.limits.findIndex((other) => other.name === limit.name);
    if (!found.name && twin < i) found.name = "Another limit of this tier has this name.";
    if (someByAddress && limit.subject !== "ADDRESS") {
      found.subject =
        "Another limit of this tier counts by address; a tier has such limits only, or none.";
    }
    for (const [field, text] of Object.entries(found)) problems[`limits.${i}.${field}`] = text;
  });
  return problems;
}

function limitProblems(limit: LimitDraft): Problems {
  const problems: Problems = {};
  const amountHint =
    limit.measure === "BYTES"
      ? "A size up to 1 TB, such as 500 MB."
      : "A whole number from 1 to 1,000,000,000,000.";
  if (!limitName.test(limit.name) || limit.name.length > 64) {
    problems.name = "1 to 64 lower-case letters, digits and single hyphens.";
  }
  if (draftAmount(limit) === null) problems.amount = amountHint;
  if (limit.kind === "RATE" && limit.burst.trim() !== "" && draftBurst(limit) === null) {
    problems.burst = amountHint;
  }
  if (limit.target === "ENDPOINT:") problems.endpointId = "Choose which requests it counts.";
  if (limit.target === "GROUP:") problems.groupId = "Choose which requests it counts.";
  if (limit.mode === "SOFT") Object.assign(problems, graceProblems(limit));
  if (limit.kind !== "QUOTA") Object.assign(problems, adaptiveProblems(limit));
  return problems;
}

function graceProblems(limit: LimitDraft): Problems {
  const problems: Problems = {};
  const seconds = secondsOf(limit.graceTime);
  if (!isWithin(limit.gracePercent, 1_000)) {
    problems.gracePercent = "A whole number from 1 to 1,000, or nothing.";
  }
  if (limit.graceTime.trim() !== "" && (seconds === null || seconds > mostGraceSeconds)) {
    problems.graceSeconds = "A time up to 30 days, such as 15 min, or nothing.";
  }
  return problems;
}

function adaptiveProblems({ adaptive }: LimitDraft): Problems {
  if (adaptive === null) return {};
  const problems: Problems = {};
  const percent = "A whole number from 1 to 100.";
  const empty = (text: string) => text.trim() === "";
  if (!isWithin(adaptive.errorPercent, 100)) problems["adaptive.errorPercent"] = percent;
  if (!isWithin(adaptive.slowMs, 600_000)) {
    problems["adaptive.slowMs"] = "A whole number from 1 to 600,000.";
  }
  if (!isWithin(adaptive.slowPercent, 100)) problems["adaptive.slowPercent"] = percent;
  if (empty(adaptive.slowMs) !== empty(adaptive.slowPercent)) {
    const missing = empty(adaptive.slowMs) ? "adaptive.slowMs" : "adaptive.slowPercent";
    problems[missing] = "Say both from when an answer is slow, and how many may be.";
  }
  if (empty(adaptive.errorPercent) && empty(adaptive.slowMs)) {
    problems["adaptive.errorPercent"] = "Give a bound for errors, or for slow answers.";
  }
  const floor = wholeNumber(adaptive.floorPercent);
  if (floor === null || floor > 99) {
    problems["adaptive.floorPercent"] = "A whole number from 1 to 99.";
  }
  return problems;
}

/** Empty, or a whole number up to `most`. */
function isWithin(text: string, most: number): boolean {
  const value = wholeNumber(text);
  return text.trim() === "" || (value !== null && value <= most);
}
