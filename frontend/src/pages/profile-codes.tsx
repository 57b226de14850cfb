import { useMemo, useState } from "react";
import { encode } from "uqr";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { FormDialog } from "~/ui/FormDialog";
import { TextField } from "~/ui/inputs";
import { OnceDialog } from "~/ui/OnceDialog";
import { Panel } from "~/ui/Panel";
import { useToast } from "~/ui/Toast";
import type { Self } from "./Profile";

const BeginTotp = graphql(`
  mutation BeginTotp {
    beginTotp {
      secret
      url
    }
  }
`);

const ConfirmTotp = graphql(`
  mutation ConfirmTotp($code: String!) {
    confirmTotp(code: $code) {
      codes
    }
  }
`);

const DisableTotp = graphql(`
  mutation DisableTotp($code: String!) {
    disableTotp(code: $code) {
      viewer {
        member {
          id
          hasTotp
        }
      }
    }
  }
`);

const RenewRecoveryCodes = graphql(`
  mutation RenewRecoveryCodes($code: String!) {
    renewRecoveryCodes(code: $code) {
      codes
    }
  }
`);

type Draft = { secret: string; url: string };
type Open =
  | { what: "on"; draft: Draft }
  | { what: "off" | "renew" }
  | { what: "codes"; codes: string[] };

/** The second step of signing in: a code of an app. */
export function SecondStep({ member, onChanged }: { member: Self; onChanged: () => void }) {
  const [{ fetching }, begin] = useMutation(BeginTotp);
  const [open, setOpen] = useState<Open | null>(null);
  const say = useToast();
  const start = async () => {
    const { data, error } = await begin({});
    if (error) say(explain(error));
    if (data) setOpen({ what: "on", draft: data.beginTotp });
  };
  const close = () => {
    setOpen(null);
    onChanged();
  };
  const showCodes = (codes: string[]) => setOpen({ what: "codes", codes });
  return (
    <Panel title="Second step" note={member.hasTotp ? "on" : "off"}>
      <div className="flex flex-col items-start gap-3 px-4 pb-4">
        <p className="text-muted">
          {member.hasTotp
            ? "You sign in with a code of your authenticator app as well."
            : "With an authenticator app, a stolen password alone signs nobody in."}
        </p>
        <div className="flex flex-wrap gap-2">
          {member.hasTotp ? (
            <>
              <Button onClick={() => setOpen({ what: "renew" })}>New recovery codes</Button>
              <Button onClick={() => setOpen({ what: "off" })}>Turn off</Button>
            </>
          ) : (
            <Button busy={fetching} onClick={start}>
              Turn on
            </Button>
          )}
        </div>
      </div>
      {open?.what === "on" && (
        <TurnOnDialog draft={open.draft} onCodes={showCodes} onClose={close} />
      )}
      {open?.what === "off" && <TurnOffDialog onClose={close} />}
      {open?.what === "renew" && <RenewDialog onCodes={showCodes} onClose={close} />}
      {open?.what === "codes" && <CodesDialog codes={open.codes} onClose={close} />}
    </Panel>
  );
}

function TurnOnDialog({
  draft,
  onCodes,
  onClose,
}: {
  draft: Draft;
  onCodes: (codes: string[]) => void;
  onClose: () => void;
}) {
  const [, confirm] = useMutation(ConfirmTotp);
  const { submit, busy, faults } = useSubmit(["code"]);
  const [code, setCode] = useState("");
  const save = async () => {
    const done = await submit(confirm({ code }));
    if (done) onCodes(done.confirmTotp.codes);
  };
  return (
    <FormDialog
      title="Turn the second step on"
      submit="Turn on"
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <p className="text-muted">Scan this with an authenticator app, or type the secret into it.</p>
      <QRCode text={draft.url} label="The secret as a QR code" />
      <Copyable text={draft.secret} label="Copy secret" />
      <TextField
        autofocus
        required
        label="Code"
        hint="The six digits that the app shows now."
        error={faults?.fields.code}
        look="code"
        autoComplete="one-time-code"
        value={code}
        onChange={setCode}
      />
    </FormDialog>
  );
}

/** Black on white in every theme: scanners need it so. */
function QRCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const code = encode(text, { border: 2 });
    const squares = code.data.flatMap((row, y) =>
      row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")),
    );
    return { size: code.size, path: squares.join("") };
  }, [text]);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="mx-auto size-48 rounded-control"
    >
      <path d={`M0 0h${size}v${size}h-${size}z`} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function TurnOffDialog({ onClose }: { onClose: () => void }) {
  const [, disable] = useMutation(DisableTotp);
  const say = useToast();
  return (
    <CodeDialog
      title="Turn the second step off"
      submit="Turn off"
      send={async (code, submit) => {
        if (!(await submit(disable({ code })))) return;
        say("The second step is off");
        onClose();
      }}
      onClose={onClose}
    />
  );
}

function RenewDialog({
  onCodes,
  onClose,
}: {
  onCodes: (codes: string[]) => void;
  onClose: () => void;
}) {
  const [, renew] = useMutation(RenewRecoveryCodes);
  return (
    <CodeDialog
      title="New recovery codes"
      submit="Make new codes"
      send={async (code, submit) => {
        const done = await submit(renew({ code }));
        if (done) onCodes(done.renewRecoveryCodes.codes);
      }}
      onClose={onClose}
    />
  );
}

function CodeDialog({
  title,
  submit: verb,
  send,
  onClose,
}: {
  title: string;
  submit: string;
  send: (code: string, submit: ReturnType<typeof useSubmit>["submit"]) => Promise<void>;
  onClose: () => void;
}) {
  const { submit, busy, faults } = useSubmit(["code"]);
  const [code, setCode] = useState("");
  return (
    <FormDialog
      title={title}
      submit={verb}
      busy={busy}
      errors={faults?.general}
      onSubmit={() => void send(code, submit)}
      onClose={onClose}
    >
      <TextField
        autofocus
        required
        label="Code"
        hint="Of your app, or a recovery code."
        error={faults?.fields.code}
        look="code"
        autoComplete="one-time-code"
        value={code}
        onChange={setCode}
      />
    </FormDialog>
  );
}

function CodesDialog({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  return (
    <OnceDialog
      title="Recovery codes"
      warning="Keep them where your phone is not. Each stands in once for a code of the app; they can’t be shown again."
      secret={codes}
      copy="Copy all"
      done="I have kept them"
      onClose={onClose}
    />
  );
}
