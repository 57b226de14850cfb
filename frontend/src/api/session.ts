import { useSyncExternalStore } from "react";

/**
 * Whether the server still knows who we are. Unknown until it has answered once;
 * leaving while we sign out; ended when it knew us and knows us no more, as when the
 * session has run out or was ended elsewhere.
 */
export type Session = "unknown" | "signed-in" | "leaving" | "signed-out" | "ended";

let current: Session = "unknown";
const listeners = new Set<() => void>();

export function setSession(next: Session) {
  if (next === current) return;
  current = next;
  for (const notify of listeners) notify();
}

/** The server says that it doesn't know us. */
export function refuseSession() {
  setSession(current === "signed-in" || current === "ended" ? "ended" : "signed-out");
}

export const currentSession = () => current;

let holds = 0;

/**
 * Keeps whoever's session ends on the page where they are, such as while something is
 * shown that can't be shown again. Returns how to let go.
 */
export function holdPage(): () => void {
  let held = true;
  const count = (by: 1 | -1) => {
    holds += by;
    for (const notify of listeners) notify();
  };
  count(1);
  return () => {
    if (held) count(-1);
    held = false;
  };
}

const isHeld = () => holds > 0;

/** Whether the page is to stay although the session may have ended. */
export const usePageHeld = () => useSyncExternalStore(subscribe, isHeld);

function subscribe(notify: () => void) {
  listeners.add(notify);
  return () => listeners.delete(notify);
}

export function useSession(): Session {
  return useSyncExternalStore(subscribe, currentSession);
}

/** Why a sign-in was refused. */
export type Refusal = { title: string; detail: string };

/** What became of a sign-in: a session, a question for a code, or a refusal. */
export type SignInAnswer = "done" | "code" | Refusal;

/** Signs in with a link's token, an address and a password, or the code of the second step. */
export const signIn = (
  shown: { token: string } | { email: string; password: string } | { code: string },
) => trade("/auth/sign-in", shown);

/** Trades a member's link for a password, and a session. */
export const join = (link: { token: string; name: string; password: string }) =>
  trade("/auth/join", link);

/** How people sign in, and why the last one wasn’t signed in. */
export type Methods = {
  password: boolean;
  openid: { label: string; available: boolean } | null;
  refusal: Refusal | null;
};

/** Asks how people sign in; `refused` is the word that a provider’s refusal left in the address. */
export async function signInMethods(refused: string): Promise<Methods> {
  try {
    const response = await fetch(`/auth/methods?refused=${encodeURIComponent(refused)}`);
    if (response.ok) return await response.json();
  } catch {
    // The form says so, once it is sent.
  }
  return { password: true, openid: null, refusal: null };
}

/** Where signing in with the provider begins. */
export const openIdStart = (next: string) => `/auth/oidc/start?next=${encodeURIComponent(next)}`;

async function trade(path: string, body: object): Promise<SignInAnswer> {
  const response = await post(path, body);
  if (!(response instanceof Response)) return response;
  if (!response.ok) return refusalOf(response);
  if (response.status === 200) return "code";
  setSession("signed-in");
  return "done";
}

/** Whom a member's link is for. */
export type Linked = { email: string; name: string; role: string; joined: boolean };

export async function showLink(token: string): Promise<Linked | Refusal> {
  const response = await post("/auth/link", { token });
  if (!(response instanceof Response)) return response;
  return response.ok ? response.json() : refusalOf(response);
}

async function post(path: string, body: object): Promise<Response | Refusal> {
  try {
    return await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    return {
      title: "The control plane can’t be reached",
      detail: "Check that it runs, then try again. A link was not used up.",
    };
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const problem: Partial<Refusal> = await response.json().catch(() => ({}));
  return {
    title: problem.title ?? "That was refused",
    detail: problem.detail ?? `The control plane answered ${response.status}.`,
  };
}
