import type { ReactNode } from "react";
import { useViewer } from "~/api/viewer";
import { EmptyState } from "~/ui/states";

/** Nothing was counted: how requests come to be, for whoever asks. */
export function NoRequests({
  title,
  children = "Choose another time range.",
}: {
  title: string;
  /** What is shown here, or what else to look at. */
  children?: ReactNode;
}) {
  const { viewer } = useViewer();
  const isCustomer = Boolean(viewer?.account);
  return (
    <EmptyState title={title} {...(viewer?.development && { command: "make demo-traffic" })}>
      {children}{" "}
      {isCustomer
        ? "What you send with one of your keys, in the x-api-key header or as a bearer token, shows up a second or two later."
        : "What callers send through Envoy with an account’s key shows up a second or two later."}
      {viewer && !isCustomer && !viewer.development && (
        <> How to add Weir to an Envoy is in docs/install.md.</>
      )}
    </EmptyState>
  );
}
