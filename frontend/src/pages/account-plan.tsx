import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { DiffTable } from "~/limit/DiffTable";
import { diffLimits } from "~/limit/diff";
import { LimitFields } from "~/limit/fields";
import { FormDialog } from "~/ui/FormDialog";
import { isoOfInput } from "~/ui/format";
import { RadioField, SelectField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { Loading, Notice, Skeleton } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import type { AccountDetails } from "./Account";
import { nextPeriod } from "./account-period";
import { UpdateAccount } from "./account-settings";
import { AtField, atWords, useSchedule } from "./schedule";

const TargetQuery = graphql(
  `
  query PlanTarget($id: ID!, $own: Boolean!) {
    tier(id: $id) @include(if: $own) {
      id
      name
      version {
        id
        number
      }
      limits {
        ...LimitFields
      }
    }
    defaults @skip(if: $own) {
      tier {
        id
        name
        version {
          id
          number
        }
        limits {
          ...LimitFields
        }
      }
    }
  }
`,
  [LimitFields],
);

const MoveAccount = graphql(`
  mutation MoveAccount($input: MoveAccountInput!) {
    moveAccount(input: $input) {
      snapshot
      account {
        id
        tier {
          id
          name
        }
        version {
          id
          number
        }
        pendingMove {
          id
          dueAt
        }
      }
    }
  }
`);

const byDefault = "default";
type When = "NOW" | "PERIOD_END" | "AT";

/** Another tier, or the current version of its own: now, at its period's end, or at a time. */
export function PlanDialog({
  account,
  tiers,
  onClose,
}: {
  account: AccountDetails;
  tiers: Array<{ id: string; name: string }>;
  onClose: () => void;
}) {
  const grandfathered = !account.version.current;
  const choices = planChoices(account, tiers);
  const [choice, setChoice] = useState(
    choices.find((c) => c.value !== byDefault)?.value ?? choices[0]?.value ?? "",
  );
  const [when, setWhen] = useState<When>("NOW");
  const [at, setAt] = useState("");
  const [, move] = useMutation(MoveAccount);
  const [, update] = useMutation(UpdateAccount);
  const schedule = useSchedule();
  const { submit, refuse, forget, busy, faults } = useSubmit(["at", "tierId"]);
  const [opened] = useState(account.revision);
  const say = useToast();
  const own = choice !== byDefault;
  const [{ data, error }] = useQuery({
    query: TargetQuery,
    variables: { id: choice, own },
    pause: choice === "",
  });
  const target = own ? data?.tier : data?.defaults?.tier;
  const same = target?.id === account.tier.id;
  const whens = whenChoices(account, own, same && grandfathered);
  const chosen = whens.some((w) => w.value === when) ? when : "NOW";
  const plan = target ? `${target.name} v${target.version.number}` : "…";

  const save = async (revision: number | null = opened) => {
    if (chosen === "AT" && isoOfInput(at) === null) return refuse("at", "Say when.");
    const change = {
      id: account.id,
      ...(own ? { tierId: choice } : { useDefaultTier: true }),
    };
    const saved =
      chosen === "AT"
        ? await submit(schedule(at, { updateAccount: change }))
        : own
          ? await submit(
              move({
                input: {
                  accountId: account.id,
                  tierId: choice,
                  when: chosen,
                  ...basedOn(revision),
                },
              }),
            )
          : await submit(update({ input: { ...change, ...basedOn(revision) } }));
    if (!saved) return;
    if (chosen === "NOW") say(`${account.name} is on ${plan} now`);
    else if (chosen === "AT") say(`${account.name} moves to ${target?.name} at ${atWords(at)}`);
    else say(`${account.name} moves to ${target?.name} at the end of its period`);
    onClose();
  };
  return (
    <UnlessStale
      what={account.name}
      faults={faults}
      mine="moves it as you said; what else they changed stays theirs."
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        wide
        title={`Change the tier of ${account.name}`}
        submit={chosen === "NOW" ? `Move to ${plan}` : `Move to ${target?.name ?? "…"} then`}
        busy={busy}
        disabled={!target}
        errors={[
          ...(faults?.general ?? []),
          ...(faults?.fields.tierId ? [faults.fields.tierId] : []),
        ]}
        onSubmit={() => save()}
        onClose={onClose}
      >
        <SelectField
          autofocus
          label="New tier"
          value={choice}
          choices={choices}
          onChange={setChoice}
        />
        {whens.length > 1 && (
          <RadioField
            label="When"
            name="plan-when"
            value={chosen}
            choices={whens}
            onChange={setWhen}
          />
        )}
        {chosen === "AT" && <AtField at={at} error={faults?.fields.at} onChange={setAt} />}
        {error && <Notice kind="error">Its limits aren’t known: {explain(error)}</Notice>}
        {target ? (
          <div className="overflow-hidden rounded-control border border-line pt-1">
            <DiffTable
              diffs={diffLimits(account.version.limits, target.limits, !same)}
              before={`${account.tier.name} v${account.version.number}`}
              after={plan}
              maxHeight="max-h-60"
            />
          </div>
        ) : (
          !error && (
            <Loading what="its limits">
              <Skeleton className="h-24 w-full" />
            </Loading>
          )
        )}
        <p className="text-muted">
          {same
            ? "Limits that stay keep their counters, in every Envoy. Keys, overrides and usage stay."
            : `The limits of ${account.tier.name} stop to count then and those of ${target?.name ?? "the new tier"} begin full, in about a second. Keys and usage stay; overrides hold only for limits of the tier it is on.`}
          {account.pendingMove && " What is to come for it gives way to this."}
        </p>
      </FormDialog>
    </UnlessStale>
  );
}

function planChoices(account: AccountDetails, tiers: Array<{ id: string; name: string }>) {
  const { tier, version, onDefaultTier } = account;
  return [
    ...(onDefaultTier ? [] : [{ value: byDefault, label: "None of its own: the default tier" }]),
    ...tiers
      .filter((t) => onDefaultTier || t.id !== tier.id || !version.current)
      .map((t) => ({
        value: t.id,
        label:
          t.id === tier.id && !onDefaultTier
            ? `${t.name}, its current version ${tier.version.number}`
            : t.name,
      })),
  ];
}

function whenChoices(account: AccountDetails, own: boolean, sameTier: boolean) {
  const { timeZone, billingDay } = account;
  const now = { value: "NOW", label: "Now", note: "In about a second, in every Envoy." } as const;
  const then = {
    value: "PERIOD_END",
    label: "At its period’s end",
    note: `${nextPeriod(Date.now(), timeZone, billingDay)}, 00:00 ${timeZone}`,
  } as const;
  const later = { value: "AT", label: "At a time", note: "Scheduled, and made as you." } as const;
  return [now, ...(own ? [then] : []), ...(sameTier ? [] : [later])];
}
