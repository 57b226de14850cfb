import { useLocation } from "wouter";
import { type Permission, useViewer } from "~/api/viewer";
import { AppLink } from "~/app/location";
import { paths } from "~/app/paths";

const parts: Array<{ path: string; label: string; needs?: Permission }> = [
  { path: paths.settings, label: "General" },
  { path: paths.members, label: "Members", needs: "MEMBERS_READ" },
  { path: paths.tokens, label: "API tokens", needs: "TOKENS_WRITE" },
  { path: paths.rollout, label: "Rollout", needs: "POLICY_READ" },
];

/** The pages of the settings, side by side. */
export function SettingsNav() {
  const [location] = useLocation();
  const { viewer, may } = useViewer();
  if (viewer?.account) return null;
  return (
    <nav aria-label="Settings" className="flex flex-wrap gap-x-1 border-b border-line">
      {parts
        .filter(({ needs }) => may(needs))
        .map(({ path, label }) => {
          const here = location === path;
          return (
            <AppLink
              key={path}
              to={path}
              aria-current={here ? "page" : undefined}
              className={`-mb-px inline-flex h-9 items-center border-b-2 px-2.5 pointer-coarse:h-11 ${here ? "border-accent font-medium text-ink" : "border-transparent text-muted hover:text-ink"}`}
            >
              {label}
            </AppLink>
          );
        })}
    </nav>
  );
}
