import type { CombinedError } from "@urql/core";
import { CircleAlert, Lock } from "lucide-react";
import type { ReactNode } from "react";
import { explain, isForbidden } from "~/api/errors";
import { Button } from "./Button";
import { Copyable } from "./Copyable";
import { PageHead } from "./Panel";
import { useTitle } from "./title";

/** Nothing here yet: what this is, and the one thing that fills it. */
export function EmptyState({
  title,
  children,
  command,
  action,
}: {
  title: string;
  children: ReactNode;
  /** A command to run on the machine that runs Weir. */
  command?: string;
  action?: ReactNode;
}) {
  // Where nothing is to be done next, it takes no more room than it needs.
  const room = command || action ? "py-12" : "py-5";
  return (
    <div className={`flex flex-col items-center gap-1 px-4 ${room} text-center`}>
      <h3 className="font-medium">{title}</h3>
      <p className="max-w-md text-balance text-muted">{children}</p>
      {command && (
        <div className="mt-3">
          <Copyable text={command} />
        </div>
      )}
      {action && <div className="mt-3">{action}</div>}
    </div>
  );
}

/** Something could not be loaded: what, why, and how to try again. */
export function ErrorState({
  page,
  what,
  error,
  retry,
}: {
  /** The page's title, when it is all that the page can show. */
  page?: string;
  /** What could not be loaded, as in "the accounts". */
  what: string;
  error: CombinedError;
  retry: () => void;
}) {
  const Heading = page === undefined ? "h3" : "h2";
  const state = isForbidden(error) ? (
    <NoPermission what={what} error={error} heading={Heading} />
  ) : (
    <div role="alert" className="flex flex-col items-center gap-1 px-4 py-12 text-center">
      <CircleAlert aria-hidden className="mb-1 size-5 text-error" />
      <Heading className="font-medium">Could not load {what}</Heading>
      <p className="max-w-md text-muted">
        {explain(error)} Envoy goes on limiting and counting meanwhile.
      </p>
      <Button className="mt-3" onClick={retry}>
        Try again
      </Button>
    </div>
  );
  if (page === undefined) return state;
  return (
    <>
      <PageHead title={page} />
      <div className="panel">{state}</div>
    </>
  );
}

/** It is not for whoever asks: what is missing, and who can change that. */
function NoPermission({
  what,
  error,
  heading: Heading,
}: {
  what: string;
  error: CombinedError;
  heading: "h2" | "h3";
}) {
  return (
    <div role="alert" className="flex flex-col items-center gap-1 px-4 py-12 text-center">
      <Lock aria-hidden className="mb-1 size-5 text-faint" />
      <Heading className="font-medium">You may not see {what}</Heading>
      <p className="max-w-md text-muted">
        {explain(error)} An owner or an admin can give you another role.
      </p>
    </div>
  );
}

/** The last refresh failed, but older figures are still on screen. */
export function StaleNotice({
  error,
  retry,
}: {
  error: CombinedError | undefined;
  retry: () => void;
}) {
  if (!error) return null;
  return (
    <Notice kind="error">
      <span className="grow">These figures are no longer fresh. {explain(error)}</span>
      <Button onClick={retry}>Try again</Button>
    </Notice>
  );
}

const noticeKinds = {
  error: "border-error/40 bg-error-soft",
  warning: "border-soft/40 bg-soft-soft",
  info: "border-line-strong bg-surface",
  good: "border-allowed/40 bg-allowed-soft",
};

/** A message that stays in the page, above what it is about. */
export function Notice({
  kind,
  children,
}: {
  kind: keyof typeof noticeKinds;
  children: ReactNode;
}) {
  return (
    <div
      role={kind === "error" || kind === "warning" ? "alert" : "status"}
      className={`flex flex-wrap items-center gap-x-3 gap-y-2 rounded-panel border px-3 py-2 ${noticeKinds[kind]}`}
    >
      {children}
    </div>
  );
}

/** Stands where a text of that size will appear. */
export function Skeleton({ className = "h-4 w-24" }: { className?: string }) {
  return (
    <span aria-hidden className={`block animate-pulse rounded-control bg-line ${className}`} />
  );
}

/** Announced while a part of the page loads. */
export function Loading({
  page,
  what,
  children,
}: {
  /** What the window is called, when it is all that the page can show. */
  page?: string;
  what: string;
  children: ReactNode;
}) {
  useTitle(page === undefined ? null : [page]);
  return (
    <div role="status" aria-label={`Loading ${what}`}>
      {children}
    </div>
  );
}
