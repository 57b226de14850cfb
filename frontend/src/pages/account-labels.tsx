import { useState } from "react";
import { Badge } from "~/ui/Badge";
import { Button } from "~/ui/Button";

const shownFirst = 6;

/** What an account is marked with; many of them unfold. */
export function Labels({ labels }: { labels: Array<{ key: string; value: string }> }) {
  const [all, setAll] = useState(false);
  const rest = labels.length - shownFirst;
  const shown = all || rest <= 1 ? labels : labels.slice(0, shownFirst);
  if (labels.length === 0) return null;
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-1">
      {shown.map(({ key, value }) => {
        const text = value ? `${key}=${value}` : key;
        return (
          <span key={key} title={text} className="inline-flex max-w-60">
            <Badge>{text}</Badge>
          </span>
        );
      })}
      {rest > 1 && (
        <Button
          kind="quiet"
          className="h-6! px-1.5! text-small"
          aria-expanded={all}
          onClick={() => setAll(!all)}
        >
          {all ? "Fewer labels" : `${rest} more labels`}
        </Button>
      )}
    </span>
  );
}
