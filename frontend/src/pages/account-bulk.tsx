import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql, type ResultOf } from "~/api/gql";
import { statusWords } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { FormDialog } from "~/ui/FormDialog";
import { exact, plural } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import type { Column } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import type { AccountFilter } from "./account-filter";

const ChangeAccounts = graphql(`
  mutation ChangeAccounts($input: ChangeAccountsInput!) {
    changeAccounts(input: $input) {
      matched
      changed
      unchanged
      failed
      outcomes {
        account {
          id
          name
        }
        fault
      }
      endCursor
      hasNextPage
    }
  }
`);

type Report = ResultOf<typeof ChangeAccounts>["changeAccounts"];
type Status = "ACTIVE" | "SUSPENDED" | "CLOSED";
type Changes = {
  status?: Status;
  tierId?: string;
  useDefaultTier?: boolean;
  addLabels?: Array<{ key: string; value: string }>;
  removeLabels?: string[];
};
type Row = { id: string; name: string };

/** A box beside each row. */
export function selectColumn(
  selected: ReadonlySet<string>,
  select: (ids: ReadonlySet<string>) => void,
): Column<Row> {
  return {
    id: "select",
    head: "Select",
    hideHead: true,
    cell: (a: Row) => (
      <input
        type="checkbox"
        aria-label={`Select ${a.name}`}
        className="size-4 accent-(--accent)"
        checked={selected.has(a.id)}
        onChange={(e) => {
          const next = new Set(selected);
          if (e.target.checked) next.add(a.id);
          else next.delete(a.id);
          select(next);
        }}
      />
    ),
  };
}

type Which = { ids: string[] } | { filter: AccountFilter };

/** What is selected, and what can be done with it or with all that match. */
export function BulkBar({
  selected,
  filter,
  matching,
  filtered,
  tiers,
  onClear,
}: {
  selected: ReadonlySet<string>;
  filter: AccountFilter;
  matching: number;
  filtered: boolean;
  tiers: Array<{ id: string; name: string }>;
  onClear: () => void;
}) {
  const [which, setWhich] = useState<Which | null>(null);
  if (selected.size === 0 && !filtered) return null;
  return (
    <div className="flex flex-wrap items-center gap-2 border-t border-line px-4 py-2">
      {selected.size > 0 && (
        <>
          <span className="text-muted">{plural(selected.size, "account")} selected</span>
          <Button onClick={() => setWhich({ ids: [...selected] })}>Change selected</Button>
          <Button kind="quiet" onClick={onClear}>
            Clear
          </Button>
        </>
      )}
      {filtered && matching > 0 && (
        <Button onClick={() => setWhich({ filter })}>
          Change all {exact.format(matching)} that match
        </Button>
      )}
      {which && (
        <ChangeDialog
          which={which}
          count={"ids" in which ? which.ids.length : matching}
          tiers={tiers}
          onClose={(done) => {
            setWhich(null);
            if (done) onClear();
          }}
        />
      )}
    </div>
  );
}

// Each call searches anew, and what will happen is told of all in one: it is quick.
const batch = { dryRun: 10_000, change: 2_000 };

function ChangeDialog({
  which,
  count,
  tiers,
  onClose,
}: {
  which: Which;
  count: number;
  tiers: Array<{ id: string; name: string }>;
  onClose: (done: boolean) => void;
}) {
  const [, change] = useMutation(ChangeAccounts);
  const [status, setStatus] = useState<Status | "">("");
  const [tierId, setTierId] = useState("");
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const [seen, setPlan] = useState<{ of: string; report: Report } | null>(null);
  const [looked, setLooked] = useState<number | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const say = useToast();
  const labels = add.split(",").map((text) => text.trim());
  const set: Changes = {
    ...(status !== "" && { status }),
    ...(tierId === "default" ? { useDefaultTier: true } : tierId !== "" ? { tierId } : {}),
    ...(add.trim() !== "" && {
      addLabels: labels.filter(Boolean).map((text) => {
        const [key = "", ...value] = text.split("=");
        return { key, value: value.join("=") };
      }),
    }),
    ...(remove.trim() !== "" && {
      removeLabels: remove
        .split(",")
        .map((key) => key.trim())
        .filter(Boolean),
    }),
  };
  // What was looked at holds for what was asked then, and for nothing that was typed since.
  const asked = JSON.stringify(set);
  const plan = seen?.of === asked ? seen.report : null;

  /** Page after page, so that progress shows; null when one was refused. */
  const run = async (dryRun: boolean): Promise<Report | null> => {
    setFault(null);
    let sum: Report | null = null;
    let after: string | null = null;
    do {
      setLooked(sum?.matched ?? 0);
      const { data, error } = await change(
        { input: { ...which, set, dryRun, first: dryRun ? batch.dryRun : batch.change, after } },
        { additionalTypenames: ["Account"] },
      );
      if (error || !data) {
        const why = error ? explain(error) : "No answer came.";
        const before =
          !dryRun && sum ? ` ${plural(sum.changed, "account")} changed before that.` : "";
        setFault(why + before);
        setLooked(null);
        return null;
      }
      const page: Report = data.changeAccounts;
      sum = sum ? added(sum, page) : page;
      after = page.hasNextPage ? page.endCursor : null;
    } while (after);
    setLooked(null);
    return sum;
  };
  const submit = async () => {
    const report = await run(plan === null);
    if (!report) return;
    if (plan === null) return setPlan({ of: asked, report });
    const failed = report.failed > 0 ? `, ${exact.format(report.failed)} could not be` : "";
    say(`${plural(report.changed, "account")} changed${failed}`);
    onClose(true);
  };
  return (
    <FormDialog
      title={`Change ${plural(count, "account")}`}
      submit={plan ? `Change ${plural(plan.changed, "account")}` : "See what will happen"}
      busy={looked !== null}
      disabled={Object.keys(set).length === 0 || plan?.changed === 0}
      errors={fault ? [fault] : []}
      onSubmit={submit}
      onClose={() => onClose(false)}
    >
      <SelectField
        autofocus
        label="Status"
        value={status}
        choices={[
          { value: "", label: "As it is" },
          { value: "ACTIVE", label: statusWords("ACTIVE") },
          { value: "SUSPENDED", label: statusWords("SUSPENDED") },
          { value: "CLOSED", label: "Closed: keys are revoked, for good" },
        ]}
        onChange={(text) => setStatus(text as Status | "")}
      />
      <SelectField
        label="Tier"
        value={tierId}
        choices={[
          { value: "", label: "As it is" },
          { value: "default", label: "None of its own: the default tier" },
          ...tiers.map((t) => ({ value: t.id, label: t.name })),
        ]}
        onChange={setTierId}
      />
      <TextField label="Add labels" hint="Such as region=eu, vip" value={add} onChange={setAdd} />
      <TextField
        label="Remove labels"
        hint="Keys, such as region, vip"
        value={remove}
        onChange={setRemove}
      />
      {looked !== null && (
        <p role="status" className="text-muted">
          {exact.format(looked)} of {exact.format(count)}…
        </p>
      )}
      {plan && looked === null && <Plan plan={plan} />}
    </FormDialog>
  );
}

function added(a: Report, b: Report): Report {
  return {
    ...b,
    matched: a.matched + b.matched,
    changed: a.changed + b.changed,
    unchanged: a.unchanged + b.unchanged,
    failed: a.failed + b.failed,
    outcomes: [...a.outcomes, ...b.outcomes].slice(0, 200),
  };
}

const named = 10;

/** What a dry run found. */
function Plan({ plan }: { plan: Report }) {
  const faults = plan.outcomes.filter((o) => o.fault !== null).slice(0, named);
  const changes = plan.outcomes.filter((o) => o.fault === null).slice(0, named);
  return (
    <section
      aria-label="What will happen"
      className="flex flex-col gap-1 border-t border-line pt-3"
    >
      <p className="font-medium">
        {plural(plan.changed, "account")} will change, {exact.format(plan.unchanged)} are so already
        {plan.failed > 0 && `, ${exact.format(plan.failed)} can’t be changed so`}.
      </p>
      {changes.length > 0 && (
        <p className="text-muted">
          {changes.map((o) => o.account.name).join(", ")}
          {plan.changed > changes.length && " and others"}
        </p>
      )}
      {faults.length > 0 && (
        <ul className="text-small text-error">
          {faults.map((o) => (
            <li key={o.account.id}>
              {o.account.name}: {o.fault}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
