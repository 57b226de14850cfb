import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { useViewer } from "~/api/viewer";
import { FormDialog } from "~/ui/FormDialog";
import { CheckField } from "~/ui/inputs";
import { type Pick, PickField } from "~/ui/PickField";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import type { Key } from "./account-keys";

const EndpointsQuery = graphql(`
  query ScopeEndpoints {
    endpoints(first: 1000) {
      nodes {
        id
        method
        template
      }
    }
  }
`);

const GroupsQuery = graphql(`
  query ScopeGroups {
    endpointGroups(first: 200) {
      nodes {
        id
        name
      }
    }
  }
`);

const SetScope = graphql(`
  mutation SetKeyScope($input: UpdateKeyInput!) {
    updateKey(input: $input) {
      key {
        id
        account {
          id
        }
      }
    }
  }
`);

/** What a key may be used for, as a form has it. */
export type ScopeDraft = { readsOnly: boolean; endpoints: Pick[]; groups: Pick[] };

export const noScope: ScopeDraft = { readsOnly: false, endpoints: [], groups: [] };

export const isScoped = (s: ScopeDraft) =>
  s.readsOnly || s.endpoints.length > 0 || s.groups.length > 0;

export const scopeInput = (s: ScopeDraft) => ({
  readsOnly: s.readsOnly,
  endpointIds: s.endpoints.map((e) => e.value),
  groupIds: s.groups.map((g) => g.value),
});

export function draftOfScope(scope: Key["scope"]): ScopeDraft {
  if (!scope) return noScope;
  return {
    readsOnly: scope.readsOnly,
    endpoints: scope.endpoints.map((e) => ({ value: e.id, label: `${e.method} ${e.template}` })),
    groups: scope.groups.map((g) => ({ value: g.id, label: g.name })),
  };
}

const mostShown = 50;

/** Which methods, endpoints and groups a key is for. */
export function ScopeFields({
  scope,
  error,
  onChange,
}: {
  scope: ScopeDraft;
  error?: string | undefined;
  onChange: (scope: ScopeDraft) => void;
}) {
  const { viewer } = useViewer();
  const [text, setText] = useState({ endpoints: "", groups: "" });
  const [endpoints] = useQuery({ query: EndpointsQuery });
  // Groups aren't shown to those who see one account only.
  const bound = Boolean(viewer?.account);
  const [groups] = useQuery({ query: GroupsQuery, pause: bound });
  const found = (all: Pick[] | undefined, typed: string) =>
    all?.filter((p) => p.label.toLowerCase().includes(typed.toLowerCase())).slice(0, mostShown);
  return (
    <>
      <CheckField
        label="Reads only"
        note="Refused for anything but GET, HEAD and OPTIONS."
        checked={scope.readsOnly}
        onChange={(readsOnly) => onChange({ ...scope, readsOnly })}
      />
      {!bound && (
        <PickField
          several
          label="Only groups"
          placeholder="Search groups"
          chosen={scope.groups}
          picks={found(
            groups.data?.endpointGroups.nodes.map((g) => ({ value: g.id, label: g.name })),
            text.groups,
          )}
          onSearch={(typed) => setText({ ...text, groups: typed })}
          onChange={(chosen) => onChange({ ...scope, groups: chosen })}
        />
      )}
      <PickField
        several
        label="Only endpoints"
        hint={
          bound
            ? "None chosen: all endpoints."
            : "With groups: these as well. Nothing chosen: all endpoints."
        }
        error={error}
        placeholder="Search endpoints"
        chosen={scope.endpoints}
        picks={found(
          endpoints.data?.endpoints.nodes.map((e) => ({
            value: e.id,
            label: `${e.method} ${e.template}`,
          })),
          text.endpoints,
        )}
        onSearch={(typed) => setText({ ...text, endpoints: typed })}
        onChange={(chosen) => onChange({ ...scope, endpoints: chosen })}
      />
    </>
  );
}

/** Changes what a key may be used for. */
export function ScopeDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [, update] = useMutation(SetScope);
  const { submit, forget, busy, faults } = useSubmit(["scope"]);
  const [opened] = useState(apiKey.revision);
  const [scope, setScope] = useState(() => draftOfScope(apiKey.scope));
  const say = useToast();
  const save = async (revision: number | null = opened) => {
    const input = { id: apiKey.id, ...basedOn(revision), scope: scopeInput(scope) };
    if (!(await submit(update({ input })))) return;
    say(`${apiKey.name} is ${isScoped(scope) ? "for its scope only" : "for everything"} now`);
    onClose();
  };
  return (
    <UnlessStale
      what={apiKey.name}
      faults={faults}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={`Scope of ${apiKey.name}`}
        submit="Save scope"
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
        onClose={onClose}
      >
        <ScopeFields scope={scope} error={faults?.fields.scope} onChange={setScope} />
        <p className="text-muted">
          Other requests with this key are refused with 403, in about a second.
        </p>
      </FormDialog>
    </UnlessStale>
  );
}
