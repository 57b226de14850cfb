import type { Limit } from "~/limit/fields";
import { sentence } from "~/limit/words";
import { Panel } from "~/ui/Panel";
import { EmptyState } from "~/ui/states";

/** The limits of a tier, a sentence each, where they can't be changed. */
export function TierLimits({ limits }: { limits: readonly Limit[] }) {
  return (
    <Panel title="Limits" note="A request must pass all of them, or none is charged">
      {limits.length === 0 ? (
        <EmptyState title="No limits">
          Everything of this tier’s accounts is let through.
        </EmptyState>
      ) : (
        <ul className="divide-y divide-line border-t border-line">
          {limits.map((limit) => (
            <li key={limit.id} className="px-4 py-2">
              <span className="font-medium">{limit.name}</span>
              <span className="block text-muted">{sentence(limit)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
