import type { ReactNode } from "react";
import { useTitle } from "./title";

/** A titled part of a page. */
export function Panel({
  title,
  note,
  actions,
  children,
  className = "",
}: {
  title: string;
  /** What the figures cover, beside the title. */
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section aria-label={title} className={`panel flex min-w-0 flex-col ${className}`}>
      <header className="@container flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
        <h2 className="font-semibold">{title}</h2>
        {note && (
          <span className="text-small text-faint first-letter:uppercase max-sm:order-last max-sm:basis-full @max-xs:order-last @max-xs:basis-full">
            {note}
          </span>
        )}
        {actions && (
          <div className="ml-auto flex min-w-0 flex-wrap items-center gap-2">{actions}</div>
        )}
      </header>
      {children}
    </section>
  );
}

/** A page's title, what stands beside it, and its main action. */
export function PageHead({
  title,
  name = typeof title === "string" ? title : undefined,
  within = [],
  trail,
  note,
  actions,
}: {
  title: ReactNode;
  /** What the window is called; the title, where that is a text. */
  name?: string | undefined;
  /** What the page is part of, from inside outwards, for the window's title. */
  within?: string[];
  /** The page above this one. */
  trail?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
}) {
  useTitle(name ? [name, ...within] : within);
  return (
    <div className="flex flex-wrap items-end gap-x-4 gap-y-2">
      <div className="min-w-0 grow">
        {trail && <div className="text-small text-muted">{trail}</div>}
        <h1 className="flex min-h-8 flex-wrap items-center gap-x-3 text-title font-semibold [overflow-wrap:anywhere]">
          {title}
        </h1>
        {note && <p className="text-muted">{note}</p>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </div>
  );
}
