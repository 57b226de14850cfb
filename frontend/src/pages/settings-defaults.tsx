import { useState } from "react";
import { useMutation } from "urql";
import { type Faults, faultsOf } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { basedOn } from "~/api/submit";
import { Permitted } from "~/app/Permitted";
import { Button } from "~/ui/Button";
import { useFocusAnew } from "~/ui/focus";
import { SelectField, TextField } from "~/ui/inputs";
import { Panel } from "~/ui/Panel";
import { StaleDialog } from "~/ui/StaleDialog";
import { ErrorState, Loading, Skeleton } from "~/ui/states";
import { type Change, RolloutProgress } from "./tier-rollout";

const DefaultsQuery = graphql(`
  query Defaults {
    defaults {
      tier {
        id
        name
      }
      anonymousTier {
        id
        name
      }
      introductoryAllowance {
        percent
        days
      }
      revision
    }
    tiers(first: 1000) {
      nodes {
        id
        name
        limits {
          subject
        }
      }
    }
  }
`);

const SetDefaults = graphql(`
  mutation SetDefaults($input: DefaultsInput!) {
    setDefaults(input: $input) {
      snapshot
      defaults {
        tier {
          id
        }
        anonymousTier {
          id
        }
        introductoryAllowance {
          percent
          days
        }
        revision
      }
    }
  }
`);

const fields = [
  "tierId",
  "anonymousTierId",
  "introductoryAllowance.percent",
  "introductoryAllowance.days",
];

type Answer = ResultOf<typeof DefaultsQuery>;

/** The tiers of those that have none of their own. */
export function DefaultTiers() {
  const { data, error, reload } = usePolled({
    query: DefaultsQuery,
    variables: {},
    everyMS: null,
  });
  const [wanted, setWanted] = useState(0);
  // Begins anew once what is wanted is read.
  const key = data && data.defaults.revision >= wanted ? wanted : 0;
  const box = useFocusAnew<HTMLDivElement>(key);
  return (
    <Panel title="Default tiers" note="For those that have none of their own">
      {error && !data && <ErrorState what="the default tiers" error={error} retry={reload} />}
      {!error && !data && (
        <Loading what="the default tiers">
          <Skeleton className="mx-4 mb-4 h-32" />
        </Loading>
      )}
      {data && (
        <div ref={box}>
          <DefaultsForm
            key={key}
            data={data}
            reload={reload}
            onTheirs={(revision) => {
              setWanted(revision);
              reload();
            }}
          />
        </div>
      )}
    </Panel>
  );
}

function DefaultsForm({
  data,
  reload,
  onTheirs,
}: {
  data: Answer;
  reload: () => void;
  onTheirs: (revision: number) => void;
}) {
  const { tier, anonymousTier, introductoryAllowance: allowance } = data.defaults;
  const [{ fetching }, set] = useMutation(SetDefaults);
  const [opened, setOpened] = useState(data.defaults.revision);
  const [tierId, setTierId] = useState(tier.id);
  const [anonymousId, setAnonymousId] = useState(anonymousTier?.id ?? "");
  const [percent, setPercent] = useState(String(allowance?.percent ?? ""));
  const [days, setDays] = useState(String(allowance?.days ?? ""));
  const [faults, setFaults] = useState<Faults | null>(null);
  const [change, setChange] = useState<Change | null>(null);
  const dirty =
    tierId !== tier.id ||
    anonymousId !== (anonymousTier?.id ?? "") ||
    percent !== String(allowance?.percent ?? "") ||
    days !== String(allowance?.days ?? "");
  const save = async (revision: number | null = opened) => {
    const sentMS = performance.now();
    const introductoryAllowance =
      percent.trim() === "" && days.trim() === ""
        ? null
        : { percent: Number(percent), days: Number(days) };
    const result = await set({
      input: {
        ...basedOn(revision),
        tierId,
        anonymousTierId: anonymousId || null,
        introductoryAllowance,
      },
    });
    if (result.error) return setFaults(faultsOf(result.error, (f) => fields.includes(f)));
    setFaults(null);
    if (result.data) {
      setOpened(result.data.setDefaults.defaults.revision);
      setChange({ snapshot: result.data.setDefaults.snapshot, sentMS });
    }
    reload();
  };
  const byAddress = data.tiers.nodes.filter(
    (t) => t.limits.length > 0 && t.limits.every((l) => l.subject === "ADDRESS"),
  );
  const others = data.tiers.nodes.filter((t) => t.limits.every((l) => l.subject !== "ADDRESS"));
  return (
    <form
      className="flex flex-col gap-3 px-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <SelectField
        label="Accounts without a tier"
        hint="The safe one that a new account begins with."
        error={faults?.fields.tierId}
        value={tierId}
        choices={others.map((t) => ({ value: t.id, label: t.name }))}
        onChange={setTierId}
      />
      <SelectField
        label="Callers without an account"
        hint={
          byAddress.length === 0
            ? "It takes a tier whose limits all count by client address."
            : "Known by their address only; the tier’s limits all count by it."
        }
        error={faults?.fields.anonymousTierId}
        value={anonymousId}
        choices={[
          { value: "", label: "None: refused with 401" },
          ...byAddress.map((t) => ({ value: t.id, label: t.name })),
        ]}
        onChange={setAnonymousId}
      />
      <div className="grid grid-cols-2 items-start gap-3">
        <TextField
          label="Introductory allowance"
          hint="Percent of each limit of the default tier, 101 to 1000, that new accounts on it get at first. Empty: nothing more."
          error={faults?.fields["introductoryAllowance.percent"]}
          look="number"
          value={percent}
          onChange={setPercent}
        />
        <TextField
          label="For how many days"
          hint="1 to 366."
          error={faults?.fields["introductoryAllowance.days"]}
          look="number"
          value={days}
          onChange={setDays}
        />
      </div>
      {faults?.general.map((message) => (
        <p key={message} role="alert" className="text-error">
          {message}
        </p>
      ))}
      {faults?.stale && (
        <StaleDialog
          what="the defaults"
          stale={faults.stale}
          busy={fetching}
          mine="saves all of this form over theirs."
          onTheirs={() => onTheirs(faults.stale?.revision ?? opened + 1)}
          onMine={() => save(faults.stale?.revision ?? null)}
          onClose={() => setFaults(null)}
        />
      )}
      {change && <RolloutProgress change={change} />}
      <Permitted needs="POLICY_WRITE">
        <Button
          type="submit"
          kind="primary"
          className="self-start"
          busy={fetching}
          disabled={!dirty}
        >
          Save defaults
        </Button>
      </Permitted>
    </form>
  );
}
