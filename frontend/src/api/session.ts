import { useSyncExternalStore } from "react";

/** Whether the server still knows who we are. Unknown until it has answered once. */
export type Session = "unknown" | "signed-in" | "signed-out";

let current: Session = "unknown";
const listeners = new Set<() => void>();

export function setSession(next: Session) {
  if (next === current) return;
  current = next;
  for (const notify of listeners) notify();
}

function subscribe(notify: () => void) {
  listeners.add(notify);
  return () => listeners.delete(notify);
}

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => current);
}

/** Why a sign-in link was refused. */
export type Refusal = { title: string; detail: string };

/** Trades a sign-in link's token for a session cookie; null when that worked. */
export async function signIn(token: string): Promise<Refusal | null> {
  let response: Response;
  try {
    response = await fetch("/auth/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
  } catch {
    return {
      title: "The control plane can't be reached",
      detail: "Check that it runs, then open the link again. The link was not used up.",
    };
  }
  if (response.ok) {
    setSession("signed-in");
    return null;
  }
  const problem: Partial<Refusal> = await response.json().catch(() => ({}));
  return {
    title: problem.title ?? "The link was refused",
    detail: problem.detail ?? `The control plane answered ${response.status}.`,
  };
}
