import { CornerDownLeft } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useId, useState } from "react";
import { useQuery } from "urql";
import { useLocation } from "wouter";
import { graphql } from "~/api/gql";
import { Dialog } from "~/ui/Dialog";
import { useHref } from "./location";
import { paths } from "./paths";

const FindQuery = graphql(`
  query Find($search: String) {
    accounts(first: 8, filter: { text: $search }) {
      nodes {
        id
        name
        tier {
          name
        }
      }
    }
    tiers(first: 1000) {
      nodes {
        id
        name
      }
    }
  }
`);

type Command = {
  key: string;
  label: string;
  kind: string;
  path: string;
  own?: Record<string, string>;
};

/** Envoy's own are UUIDs; others are long, and made of hex digits and hyphens mostly. */
export const isRequestId = (text: string) => /^(?=.*\d)[\w-]{16,64}$/.test(text.trim());

/** Jump to a page, an account or a tier by typing a part of its name, or to a request by its id. */
export function CommandMenu({
  pages,
  onClose,
}: {
  pages: Array<{ path: string; label: string }>;
  onClose: () => void;
}) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const search = useDeferredValue(text.trim());
  const [{ data }] = useQuery({ query: FindQuery, variables: { search: search || null } });
  const [, navigate] = useLocation();
  const href = useHref();
  const listId = useId();

  const matches = (label: string) => label.toLowerCase().includes(text.trim().toLowerCase());
  const commands: Command[] = [
    ...pages.map((p) => ({ key: p.path, label: p.label, kind: "Page", path: p.path })),
    ...(data?.tiers.nodes ?? []).map((t) => ({
      key: t.id,
      label: t.name,
      kind: "Tier",
      path: paths.tier(t.id),
    })),
    ...(data?.accounts.nodes ?? []).map((a) => ({
      key: a.id,
      label: a.name,
      kind: `Account on ${a.tier.name}`,
      path: paths.account(a.id),
    })),
  ].filter((c) => matches(c.label));
  if (isRequestId(text)) {
    commands.push({
      key: "request",
      label: text.trim(),
      kind: "Why was this request limited?",
      path: paths.denials,
      own: { request: text.trim() },
    });
  }
  const current = Math.min(active, commands.length - 1);

  const go = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    navigate(href(command.path, command.own));
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const next = (current + step + commands.length) % Math.max(1, commands.length);
      setActive(next);
      document.getElementById(`${listId}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(commands[current]);
    }
  };

  return (
    <Dialog title="Search or jump to" plain onClose={onClose}>
      <input
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={current >= 0 ? `${listId}-${current}` : undefined}
        aria-label="Search pages, accounts and tiers, or paste a request id"
        placeholder="Page, account, tier or request id"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          setActive(0);
        }}
        onKeyDown={onKey}
        className="h-12 w-full border-b border-line bg-transparent px-4 text-title outline-none placeholder:text-faint"
      />
      <div
        id={listId}
        role="listbox"
        aria-label="Results"
        className="h-80 max-h-[60dvh] overflow-y-auto p-2"
      >
        {commands.map((command, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above handles the keys
          // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox
          <div
            key={command.key}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === current}
            onClick={() => go(command)}
            onPointerMove={() => setActive(i)}
            className={`flex h-9 cursor-pointer items-center gap-3 rounded-control px-3 pointer-coarse:h-11 ${i === current ? "bg-hover" : ""}`}
          >
            <span className="min-w-0 truncate">{command.label}</span>
            <span className="ml-auto shrink-0 text-small text-faint">{command.kind}</span>
            <CornerDownLeft
              aria-hidden
              className={`size-3.5 shrink-0 text-faint ${i === current ? "" : "invisible"}`}
            />
          </div>
        ))}
      </div>
      {commands.length === 0 && (
        <p role="status" className="-mt-72 mb-60 px-4 text-center text-muted">
          Nothing has “{text.trim()}” in its name.
        </p>
      )}
    </Dialog>
  );
}
