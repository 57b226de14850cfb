import { useState } from "react";
import { useMutation } from "urql";
import { graphql, type ResultOf } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { AppLink } from "~/app/location";
import { Permitted } from "~/app/Permitted";
import { paths } from "~/app/paths";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { FormDialog } from "~/ui/FormDialog";
import { plural } from "~/ui/format";
import { type Column, Table } from "~/ui/Table";
import { useToast } from "~/ui/Toast";
import { secretsIn } from "./account-leaks-text";

const ReportLeakedKeys = graphql(`
  mutation ReportLeakedKeys($input: ReportLeakedKeysInput!) {
    reportLeakedKeys(input: $input) {
      leaks {
        index
        revoked
        key {
          id
          name
          prefix
          status
          account {
            id
            name
          }
        }
      }
    }
  }
`);

type Leak = ResultOf<typeof ReportLeakedKeys>["reportLeakedKeys"]["leaks"][number];

const most = 1_000;

/** Finds keys in text that turned up where it doesn't belong, and revokes them. */
function LeaksDialog({ onClose }: { onClose: () => void }) {
  const [, report] = useMutation(ReportLeakedKeys);
  const { submit, refuse, busy, faults } = useSubmit(["secrets"]);
  const [text, setText] = useState("");
  // Of a text, and of no other: nothing is revoked that wasn't shown.
  const [found, setFound] = useState<{ of: string; secrets: string[]; leaks: Leak[] } | null>(null);
  const shown = found?.of === text ? found : null;
  const leaks = shown?.leaks ?? null;
  const say = useToast();
  const live = leaks?.filter((l) => l.key.status !== "REVOKED").length ?? 0;
  const send = async () => {
    const secrets = shown?.secrets ?? secretsIn(text);
    if (secrets.length === 0)
      return refuse("secrets", "There is nothing in it that could be a key.");
    if (secrets.length > most) return refuse("secrets", `At most ${most} at once.`);
    const revoke = shown !== null;
    const done = await submit(
      report({ input: { secrets, revoke } }, revoke ? { additionalTypenames: ["Key"] } : {}),
    );
    if (!done) return;
    setFound({ of: text, secrets, leaks: done.reportLeakedKeys.leaks });
    if (revoke) say(`${plural(done.reportLeakedKeys.leaks.length, "key")} revoked`);
  };
  return (
    <FormDialog
      wide
      title="Report leaked keys"
      submit={leaks === null ? "Find keys" : `Revoke ${plural(live, "key")} for good`}
      busy={busy}
      disabled={text.trim() === "" || (leaks !== null && live === 0)}
      errors={faults?.general}
      onSubmit={send}
      onClose={onClose}
    >
      <Field
        label="Text with secrets"
        hint="Such as a log or a file. What looks like a key, and lines of one word, are looked up and recorded; nothing else of it is sent."
        error={faults?.fields.secrets}
      >
        {(wiring) => (
          <textarea
            {...wiring}
            data-autofocus
            rows={leaks === null ? 8 : 3}
            spellCheck={false}
            autoComplete="off"
            className="control h-auto w-full py-2 font-mono text-small"
            value={text}
            onChange={(e) => setText(e.target.value)}
          />
        )}
      </Field>
      {leaks && (
        <section aria-label="Keys found" className="flex flex-col gap-2">
          <p role="status">
            {leaks.length === 0
              ? "None of it is a key of an account."
              : `${plural(leaks.length, "key")} found, ${live === 0 ? "none of which works any more" : `${live} not revoked yet`}.`}
          </p>
          {leaks.length > 0 && (
            <Table
              label="Keys found"
              columns={columns}
              rows={leaks}
              rowKey={(l) => l.key.id}
              maxHeight="max-h-64"
            />
          )}
        </section>
      )}
    </FormDialog>
  );
}

const columns: Column<Leak>[] = [
  {
    id: "key",
    head: "Key",
    cell: (l) => (
      <span className="flex flex-wrap items-center gap-x-2">
        <span className="font-medium [overflow-wrap:anywhere]">{l.key.name}</span>
        <code className="font-mono text-small text-muted">{l.key.prefix}…</code>
      </span>
    ),
  },
  {
    id: "account",
    head: "Of",
    cell: (l) => (
      <AppLink
        to={paths.account(l.key.account.id)}
        title={l.key.account.name}
        className="block max-w-40 truncate font-medium hover:text-accent hover:underline"
      >
        {l.key.account.name}
      </AppLink>
    ),
  },
  {
    id: "state",
    head: "State",
    cell: (l) =>
      l.key.status === "REVOKED" ? (
        <span className="text-faint">{l.revoked ? "Revoked now" : "Revoked"}</span>
      ) : (
        <Badge kind="bad">Works: {l.key.status.toLowerCase()}</Badge>
      ),
  },
];

/** The button that opens it. */
export function LeaksButton() {
  const [open, setOpen] = useState(false);
  return (
    <Permitted needs="KEYS_WRITE" unbound>
      <Button onClick={() => setOpen(true)}>Leaked keys</Button>
      {open && <LeaksDialog onClose={() => setOpen(false)} />}
    </Permitted>
  );
}
