import { Component, type ReactNode } from "react";
import { Button } from "~/ui/Button";

/** Keeps a page that broke from taking the frame with it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: string | null }> {
  override state: { broken: string | null } = { broken: null };

  static getDerivedStateFromError(error: unknown) {
    return { broken: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (this.state.broken === null) return this.props.children;
    return (
      <div role="alert" className="flex flex-col items-center gap-1 py-16 text-center">
        <h1 className="text-title font-semibold">This page could not be shown</h1>
        <p className="max-w-md text-muted">
          Reload it; Weir may have been updated while the dashboard was open. Limits stay in force.
        </p>
        <p className="max-w-md break-words text-muted">
          What the browser says: {this.state.broken}
        </p>
        <Button className="mt-3" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    );
  }
}
