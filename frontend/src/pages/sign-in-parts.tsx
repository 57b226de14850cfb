import { type ReactNode, useEffect, useRef, useState } from "react";
import { type Methods, openIdStart, type Refusal, type SignInAnswer, signIn } from "~/api/session";
import { Button, buttonClass } from "~/ui/Button";
import { TextField } from "~/ui/inputs";
import { Notice } from "~/ui/states";
import { useTitle } from "~/ui/title";

/** The frame of the pages that one sees without a session. */
export function SignInFrame({ title, children }: { title: string; children: ReactNode }) {
  useTitle([title]);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where one was before is gone; what is read and tabbed through goes on from here.
    if (document.activeElement === document.body) main.current?.focus({ preventScroll: true });
  }, []);
  return (
    <main
      ref={main}
      tabIndex={-1}
      className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center gap-5 p-6 outline-none"
    >
      <div className="flex items-center gap-2 text-title font-semibold tracking-tight">
        <img src="/icon.svg" alt="" className="size-6" />
        Weir
      </div>
      <h1 className="text-figure font-semibold tracking-tight">{title}</h1>
      {children}
    </main>
  );
}

export function RefusalNotice({ refusal }: { refusal: Refusal | null }) {
  if (!refusal) return null;
  return (
    <Notice kind="error">
      <div>
        <h2 className="font-medium">{refusal.title}</h2>
        <p className="text-muted">{refusal.detail}</p>
      </div>
    </Notice>
  );
}

/** A form whose answer is a session, a question for a code, or a refusal. */
export function SignInForm({
  submit,
  send,
  onAnswer,
  children,
}: {
  /** What the button says. */
  submit: string;
  send: () => Promise<SignInAnswer>;
  onAnswer: (next: "done" | "code") => void;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const go = async () => {
    setBusy(true);
    const answer = await send();
    setBusy(false);
    if (typeof answer === "string") return onAnswer(answer);
    setRefusal(answer);
  };
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void go();
      }}
    >
      <RefusalNotice refusal={refusal} />
      {children}
      <Button type="submit" kind="primary" busy={busy} className="mt-1">
        {submit}
      </Button>
    </form>
  );
}

/** The second step. */
export function CodeForm({ onDone }: { onDone: () => void }) {
  const [code, setCode] = useState("");
  return (
    <SignInForm submit="Continue" send={() => signIn({ code })} onAnswer={onDone}>
      <TextField
        autofocus
        required
        label="Code"
        hint="The six digits that your app shows now, or a recovery code."
        look="code"
        autoComplete="one-time-code"
        value={code}
        onChange={setCode}
      />
    </SignInForm>
  );
}

/** The way to the OpenID provider. */
export function ProviderButton({
  provider,
  next,
}: {
  provider: NonNullable<Methods["openid"]>;
  next: string;
}) {
  return (
    <div className="flex flex-col gap-2">
      <a href={openIdStart(next)} className={buttonClass("plain")}>
        Sign in with {provider.label}
      </a>
      {!provider.available && (
        <p role="status" className="text-small text-muted">
          {provider.label} does not answer at the moment; signing in there may fail.
        </p>
      )}
    </div>
  );
}
