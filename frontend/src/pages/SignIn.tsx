import { useEffect, useState } from "react";
import { Redirect, useSearchParams } from "wouter";
import { type Refusal, setSession, signIn } from "~/api/session";
import { paths } from "~/app/paths";
import { Copyable } from "~/ui/Copyable";
import { Notice } from "~/ui/states";

/** The token of a sign-in link. It is taken out of the address bar and the history at once. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash !== "") {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return token;
}

type State = { step: "idle" | "done"; refusal?: Refusal } | { step: "busy"; token: string };

function begin(): State {
  const token = takeToken();
  return token ? { step: "busy", token } : { step: "idle" };
}

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [query] = useSearchParams();
  const [state, setState] = useState<State>(begin);
  const token = state.step === "busy" ? state.token : null;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a token works once, so it is sent once
  useEffect(() => {
    if (token === null) return;
    void signIn(token).then((refusal) => {
      if (refusal) return setState({ step: "idle", refusal });
      onSignedIn();
      setState({ step: "done" });
    });
  }, [token]);

  useEffect(() => {
    const onHash = () => {
      const next = begin();
      if (next.step === "busy") setState(next);
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);

  if (state.step === "done") {
    setSession("signed-in");
    return <Redirect to={destination(query.get("next"))} replace />;
  }
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-lg flex-col justify-center gap-5 p-6">
      <div className="flex items-center gap-2 text-title font-semibold tracking-tight">
        <img src="/icon.svg" alt="" className="size-6" />
        Weir
      </div>
      {state.step === "busy" ? (
        <p role="status" className="text-muted">
          Signing you in …
        </p>
      ) : (
        <>
          {state.refusal && (
            <Notice kind="error">
              <div>
                <h2 className="font-medium">{state.refusal.title}</h2>
                <p className="text-muted">{state.refusal.detail}</p>
              </div>
            </Notice>
          )}
          <HowToSignIn again={state.refusal !== undefined} />
        </>
      )}
    </main>
  );
}

function HowToSignIn({ again }: { again: boolean }) {
  return (
    <div className="flex flex-col gap-4">
      <div>
        <h1 className="text-figure font-semibold tracking-tight">
          {again ? "Get a new link" : "Sign in with a link"}
        </h1>
        <p className="mt-1 text-muted">
          Nothing is open by default. A sign-in link works once, and only whoever runs Weir can make
          one.
        </p>
      </div>
      <dl className="panel divide-y divide-line">
        <div className="flex flex-wrap items-center justify-between gap-2 px-4 py-3">
          <dt>On a running Weir</dt>
          <dd>
            <Copyable text="weir sign-in-link" />
          </dd>
        </div>
        <div className="flex flex-wrap items-center justify-between gap-2 px-4 py-3">
          <dt>At start, it prints one</dt>
          <dd>
            <Copyable text="make run" />
          </dd>
        </div>
      </dl>
      <p className="text-small text-faint">
        Open the link in this browser. Scripts use the API token instead.
      </p>
    </div>
  );
}

/** Where to go on; only within the dashboard, whatever the link says. */
export function destination(next: string | null): string {
  if (!next) return paths.overview;
  const url = new URL(next, location.origin);
  const inside = url.origin === location.origin && url.pathname !== paths.signIn;
  return inside ? url.pathname + url.search : paths.overview;
}
