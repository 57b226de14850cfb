import { Component, type ReactNode } from "react";
import { Button } from "~/ui/Button";

/** Keeps a page that broke from taking the frame with it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div role="alert" className="flex flex-col items-center gap-1 py-16 text-center">
        <h1 className="text-title font-semibold">This page could not be shown</h1>
        <p className="max-w-md text-muted">
          Weir may have been updated while the dashboard was open. The limits stay in force.
        </p>
        <Button className="mt-3" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    );
  }
}
