import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "~/api/gql";
import { useQueryState } from "~/app/location";
import { Button, IconButton } from "~/ui/Button";
import { actionWords } from "./audit-words";

const ActionsQuery = graphql(`
  query AuditActions {
    auditActions
  }
`);

/** The names of the filters in the URL. */
export const filterNames = ["text", "action", "kind", "actor", "object", "account", "request"];

/** What the URL narrows the log to, as the API wants it. */
export function filterOf(query: URLSearchParams) {
  const filter = {
    text: query.get("text"),
    actions: query.get("action") ? [query.get("action") ?? ""] : null,
    actorKind: actorKinds.find(({ value }) => value === query.get("kind"))?.value,
    actorId: query.get("actor"),
    objectId: query.get("object"),
    accountId: query.get("account"),
    requestId: query.get("request"),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value)) as Partial<{
    text: string;
    actions: string[];
    actorKind: (typeof actorKinds)[number]["value"];
    actorId: string;
    objectId: string;
    accountId: string;
    requestId: string;
  }>;
}

/** Where the server streams all records that the URL's filter finds. */
export function exportPath(query: URLSearchParams, ending: "csv" | "ndjson"): string {
  const params = new URLSearchParams();
  for (const name of filterNames) {
    const value = query.get(name);
    if (value) params.set(name === "kind" ? "actorKind" : name, value);
  }
  const text = params.toString();
  return `/api/v1/audit.${ending}${text && `?${text}`}`;
}

const actorKinds = [
  { value: "MEMBER", label: "Members" },
  { value: "TOKEN", label: "API tokens" },
  { value: "SYSTEM", label: "Weir itself" },
] as const;

const chips = { actor: "Who", object: "Of", account: "Account", request: "Request" } as const;

export function AuditFilters() {
  const [query, change] = useQueryState();
  const text = query.get("text") ?? "";
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  const [{ data }] = useQuery({ query: ActionsQuery });
  const narrow = (changes: Record<string, string | null>) => change({ ...changes, after: null });
  const actions = data?.auditActions ?? [query.get("action") ?? ""].filter(Boolean);
  return (
    <search aria-label="Narrow the changes">
      <form
        className="flex flex-wrap items-center gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          narrow({ text: typed.trim() || null });
        }}
      >
        <input
          type="search"
          aria-label="Name of who or what"
          placeholder="Name of who or what"
          maxLength={128}
          className="control min-w-0 grow basis-48 sm:max-w-64"
          value={typed}
          onChange={(e) => setTyped(e.target.value)}
        />
        <select
          aria-label="Action"
          className="control max-w-56"
          value={query.get("action") ?? ""}
          onChange={(e) => narrow({ action: e.target.value })}
        >
          <option value="">All actions</option>
          {actions.map((action) => (
            <option key={action} value={action}>
              {actionWords(action)}
            </option>
          ))}
        </select>
        <select
          aria-label="Kind of actor"
          className="control max-w-40"
          value={query.get("kind") ?? ""}
          onChange={(e) => narrow({ kind: e.target.value })}
        >
          <option value="">Anybody</option>
          {actorKinds.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <Button type="submit">Search</Button>
        {Object.entries(chips).map(([name, label]) => {
          const value = query.get(name);
          return (
            value && (
              <span
                key={name}
                className="inline-flex items-center gap-1 rounded-control border border-line pl-2.5"
              >
                {label} <code className="font-mono text-small">{value}</code>
                <IconButton
                  label={`Take “${label} ${value}” away`}
                  onClick={() => narrow({ [name]: null })}
                >
                  <X aria-hidden className="size-4" />
                </IconButton>
              </span>
            )
          );
        })}
      </form>
    </search>
  );
}
