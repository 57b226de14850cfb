import { useEffect, useState } from "react";
import { Redirect, useSearchParams } from "wouter";
import { type Methods, type Refusal, setSession, signIn, signInMethods } from "~/api/session";
import { takeToken } from "~/api/token";
import { paths } from "~/app/paths";
import { Copyable } from "~/ui/Copyable";
import { TextField } from "~/ui/inputs";
import { Notice } from "~/ui/states";
import { CodeForm, ProviderButton, RefusalNotice, SignInForm, SignInFrame } from "./sign-in-parts";

type State =
  | { step: "password"; refusal: Refusal | null }
  | { step: "code" | "done" }
  | { step: "link"; token: string };

function begin(): State {
  const token = takeToken();
  if (!token && new URLSearchParams(location.search).get("step") === "code")
    return { step: "code" };
  return token ? { step: "link", token } : { step: "password", refusal: null };
}

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [query] = useSearchParams();
  const [state, setState] = useState<State>(begin);
  const [methods, setMethods] = useState<Methods | null>(null);
  const refused = query.get("refused") ?? "";
  const token = state.step === "link" ? state.token : null;
  const proceed = (next: "done" | "code") => {
    if (next === "done") onSignedIn();
    setState({ step: next });
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a token works once, so it is sent once
  useEffect(() => {
    if (token === null) return;
    void signIn({ token }).then((answer) => {
      if (typeof answer === "string") return proceed(answer);
      setState({ step: "password", refusal: answer });
    });
  }, [token]);

  useEffect(() => {
    let left = false;
    void signInMethods(refused).then((said) => left || setMethods(said));
    return () => {
      left = true;
    };
  }, [refused]);

  useEffect(() => {
    const onHash = () => {
      const next = begin();
      if (next.step === "link") setState(next);
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);

  switch (state.step) {
    case "done":
      setSession("signed-in");
      return <Redirect to={destination(query.get("next"))} replace />;
    case "link":
      return (
        <SignInFrame title="Sign in">
          <p role="status" className="text-muted">
            Signing you in …
          </p>
        </SignInFrame>
      );
    case "code":
      return (
        <SignInFrame title="Second step">
          <CodeForm onDone={() => proceed("done")} />
        </SignInFrame>
      );
  }
  return (
    <SignInFrame title="Sign in">
      {query.has("ended") && (
        <Notice kind="info">
          <div>
            <h2 className="font-medium">Your session was ended; sign in again</h2>
            <p className="text-muted">
              It ran out, or was ended elsewhere. You come back to where you were.
            </p>
          </div>
        </Notice>
      )}
      <RefusalNotice refusal={state.refusal ?? methods?.refusal ?? null} />
      {methods?.openid && (
        <ProviderButton provider={methods.openid} next={destination(query.get("next"))} />
      )}
      {methods?.password !== false && <PasswordForm onAnswer={proceed} />}
      <div className="flex flex-col items-start gap-2 border-t border-line pt-4 text-muted">
        <p>
          {methods?.password !== false &&
            "No password yet? Whoever invited you has a link for you. "}
          Whoever runs Weir makes a link that signs in as the owner with
        </p>
        <Copyable text="weir sign-in-link" />
      </div>
    </SignInFrame>
  );
}

function PasswordForm({ onAnswer }: { onAnswer: (next: "done" | "code") => void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  return (
    <SignInForm
      submit="Sign in"
      send={() => signIn({ email: email.trim(), password })}
      onAnswer={onAnswer}
    >
      <TextField
        required
        label="E-mail"
        type="email"
        autoComplete="username"
        value={email}
        onChange={setEmail}
      />
      <TextField
        required
        label="Password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
    </SignInForm>
  );
}

/** Where to go on; only within the dashboard, whatever the link says. */
export function destination(next: string | null): string {
  if (!next || !URL.canParse(next, location.origin)) return paths.overview;
  const url = new URL(next, location.origin);
  const inside = url.origin === location.origin && url.pathname !== paths.signIn;
  return inside ? url.pathname + url.search : paths.overview;
}
