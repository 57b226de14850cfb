import { useEffect, useState } from "react";
import { Redirect } from "wouter";
import { join, type Linked, type Refusal, setSession, showLink } from "~/api/session";
import { takeToken } from "~/api/token";
import { paths } from "~/app/paths";
import { TextField } from "~/ui/inputs";
import { CodeForm, RefusalNotice, SignInForm, SignInFrame } from "./sign-in-parts";

const noToken: Refusal = {
  title: "This link is not whole",
  detail: "Open it as it was sent to you, with all that stands behind the #.",
};

/** Where a member's link leads: to a name and a password. */
export default function Join({ onSignedIn }: { onSignedIn: () => void }) {
  const [token] = useState(takeToken);
  const [linked, setLinked] = useState<Linked | Refusal | null>(token ? null : noToken);
  const [step, setStep] = useState<"form" | "code" | "done">("form");
  useEffect(() => {
    if (token) void showLink(token).then(setLinked);
  }, [token]);
  const proceed = (next: "done" | "code") => {
    if (next === "done") onSignedIn();
    setStep(next);
  };
  if (step === "done") {
    setSession("signed-in");
    return <Redirect to={paths.overview} replace />;
  }
  if (step === "code") {
    return (
      <SignInFrame title="Second step">
        <CodeForm onDone={() => proceed("done")} />
      </SignInFrame>
    );
  }
  if (linked === null) {
    return (
      <SignInFrame title="Welcome">
        <p role="status" className="text-muted">
          Looking at your link …
        </p>
      </SignInFrame>
    );
  }
  if ("detail" in linked || token === null) {
    return (
      <SignInFrame title="Welcome">
        <RefusalNotice refusal={"detail" in linked ? linked : noToken} />
      </SignInFrame>
    );
  }
  return (
    <SignInFrame title={linked.joined ? "Another password" : "Welcome"}>
      <JoinForm token={token} linked={linked} onAnswer={proceed} />
    </SignInFrame>
  );
}

function JoinForm({
  token,
  linked,
  onAnswer,
}: {
  token: string;
  linked: Linked;
  onAnswer: (next: "done" | "code") => void;
}) {
  const [name, setName] = useState(linked.name);
  const [password, setPassword] = useState("");
  return (
    <SignInForm
      submit={linked.joined ? "Set password" : "Join"}
      send={() => join({ token, name: name.trim(), password })}
      onAnswer={onAnswer}
    >
      <p className="text-muted">
        {linked.joined
          ? "Your other sessions end when you set it."
          : `You are invited as ${linked.role.toLowerCase()}.`}{" "}
        You sign in as <span className="font-medium text-ink">{linked.email}</span>.
      </p>
      {!linked.joined && (
        <TextField
          required
          label="Your name"
          autoComplete="name"
          maxLength={64}
          value={name}
          onChange={setName}
        />
      )}
      <TextField
        required
        label="Password"
        hint="At least 12 characters; a few words will do."
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
      />
    </SignInForm>
  );
}
