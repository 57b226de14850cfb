import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";
import { type LimitDraft, newLimit, wholeNumber } from "./tier-form";

type Endpoint = { id: string; method: string; template: string };

const columns =
  "lg:grid-cols-[minmax(0,1.2fr)_minmax(0,1.6fr)_minmax(0,0.9fr)_8rem_minmax(0,0.9fr)_2rem]";

/** A tier's limits as rows that can be typed in. */
export function LimitRows({
  limits,
  endpoints,
  problemAt,
  onChange,
}: {
  limits: LimitDraft[];
  endpoints: Endpoint[];
  /** What is wrong with the field at this path, if anything. */
  problemAt: (path: string) => string | undefined;
  onChange: (limits: LimitDraft[], touched: string) => void;
}) {
  const add = (
    <Button
      icon={<Plus aria-hidden className="size-4" />}
      onClick={() => onChange([...limits, newLimit(limits.map((l) => l.name))], "limits")}
    >
      Add limit
    </Button>
  );
  return (
    <Panel title="Limits" note="A request must pass all of them, or none is charged" actions={add}>
      {limits.length === 0 ? (
        <EmptyState title="No limits">
          Without a limit, everything of this tier’s accounts is let through. Add one, for example
          100 a minute for all requests.
        </EmptyState>
      ) : (
        <>
          <div
            aria-hidden
            className={`hidden gap-3 px-4 pb-1 text-small font-medium text-faint lg:grid ${columns}`}
          >
            <span>Name</span>
            <span>Counts</span>
            <span>Requests</span>
            <span>Per</span>
            <span>Burst</span>
          </div>
          <ol className="divide-y divide-line">
            {limits.map((limit, i) => (
              <LimitRow
                key={limit.key}
                limit={limit}
                index={i}
                endpoints={endpoints}
                problemAt={(field) => problemAt(`limits.${i}.${field}`)}
                onChange={(changed, field) =>
                  onChange(
                    limits.map((l) => (l.key === limit.key ? { ...l, ...changed } : l)),
                    `limits.${i}.${field}`,
                  )
                }
                onRemove={() =>
                  onChange(
                    limits.filter((l) => l.key !== limit.key),
                    "limits",
                  )
                }
              />
            ))}
          </ol>
        </>
      )}
      {problemAt("limits") && (
        <p role="alert" className="px-4 pb-3 text-error">
          {problemAt("limits")}
        </p>
      )}
    </Panel>
  );
}

function LimitRow({
  limit,
  index,
  endpoints,
  problemAt,
  onChange,
  onRemove,
}: {
  limit: LimitDraft;
  index: number;
  endpoints: Endpoint[];
  problemAt: (field: string) => string | undefined;
  onChange: (changed: Partial<LimitDraft>, field: string) => void;
  onRemove: () => void;
}) {
  const title = limit.name || `limit ${index + 1}`;
  const amount = wholeNumber(limit.amount);
  return (
    <li>
      <fieldset className={`grid grid-cols-2 items-start gap-3 px-4 py-3 ${columns}`}>
        <legend className="sr-only">{title}</legend>
        <RowField label="Name" error={problemAt("name")} className="max-lg:col-span-2">
          {(field) => (
            <input
              {...field}
              className="control w-full font-mono text-small"
              autoComplete="off"
              spellCheck={false}
              value={limit.name}
              onChange={(e) => onChange({ name: e.target.value }, "name")}
            />
          )}
        </RowField>
        <RowField label="Counts" error={problemAt("endpointId")} className="max-lg:col-span-2">
          {(field) => (
            <select
              {...field}
              className="control w-full"
              value={limit.endpointId}
              onChange={(e) => onChange({ endpointId: e.target.value }, "endpointId")}
            >
              <option value="">All requests of the account</option>
              {endpoints.map((endpoint) => (
                <option key={endpoint.id} value={endpoint.id}>
                  {endpoint.method} {endpoint.template}
                </option>
              ))}
            </select>
          )}
        </RowField>
        <RowField label="Requests" error={problemAt("amount")}>
          {(field) => (
            <input
              {...field}
              inputMode="numeric"
              autoComplete="off"
              className="control w-full text-right"
              value={limit.amount}
              onChange={(e) => onChange({ amount: e.target.value }, "amount")}
            />
          )}
        </RowField>
        <RowField label="Per" error={problemAt("period")}>
          {(field) => (
            <select
              {...field}
              className="control w-full"
              value={limit.period}
              onChange={(e) =>
                onChange({ period: e.target.value as LimitDraft["period"] }, "period")
              }
            >
              <option value="SECOND">second</option>
              <option value="MINUTE">minute</option>
              <option value="HOUR">hour</option>
              <option value="DAY">day</option>
            </select>
          )}
        </RowField>
        <RowField label="Burst" error={problemAt("burst")}>
          {(field) => (
            <input
              {...field}
              inputMode="numeric"
              autoComplete="off"
              className="control w-full text-right"
              placeholder={amount === null ? "as many" : amount.toLocaleString("en-US")}
              value={limit.burst}
              onChange={(e) => onChange({ burst: e.target.value }, "burst")}
            />
          )}
        </RowField>
        <IconButton
          label={`Remove ${title}`}
          onClick={onRemove}
          className="max-lg:self-end max-lg:justify-self-end"
        >
          <Trash2 aria-hidden className="size-4" />
        </IconButton>
      </fieldset>
    </li>
  );
}

/** The column heads carry the labels where there is room for columns. */
function RowField({ className = "", ...props }: Parameters<typeof Field>[0]) {
  return (
    <Field {...props} className={`lg:[&>label]:sr-only max-lg:[&>label]:text-small ${className}`} />
  );
}
