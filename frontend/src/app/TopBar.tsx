import { CircleUser, Monitor, Moon, Search, Sun } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { useMutation } from "urql";
import { Link } from "wouter";
import { graphql } from "~/api/gql";
import { useLive } from "~/api/live";
import { setSession } from "~/api/session";
import { useViewer } from "~/api/viewer";
import { ago, clock } from "~/ui/format";
import { menuItemClass as itemClass } from "~/ui/RowMenu";
import { setTheme, type Theme, useTheme } from "~/ui/theme";
import { useLiveSwitch } from "./location";
import { paths } from "./paths";
import { RangePicker } from "./RangePicker";

const SignOut = graphql(`
  mutation SignOut {
    signOut
  }
`);

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function TopBar({ menu, onSearch }: { menu: ReactNode; onSearch: () => void }) {
  return (
    <header className="sticky top-0 z-20 flex h-14 items-center gap-2 border-b border-line bg-surface px-3 md:px-6">
      {menu}
      <button
        type="button"
        onClick={onSearch}
        className="control flex items-center gap-2 text-faint hover:bg-hover md:w-64"
      >
        <Search aria-hidden className="size-4" />
        <span className="max-md:sr-only">Search or jump to</span>
        <kbd className="ml-auto font-sans text-small max-md:hidden">{isMac ? "⌘" : "Ctrl"} K</kbd>
      </button>
      <div className="ml-auto flex items-center gap-1.5">
        <LiveSwitch />
        <RangePicker />
        <ViewerMenu />
      </div>
    </header>
  );
}

function LiveSwitch() {
  const [on, set] = useLiveSwitch();
  const { connection, lastEventMS } = useLive();
  const lost = on && connection === "disconnected";
  const seen = lastEventMS === null ? "" : `, last seen ${clock(lastEventMS)}`;
  const title = lost
    ? `Disconnected${seen}; connecting again`
    : on
      ? `Views follow the traffic${lastEventMS === null ? "" : `; last event ${ago(lastEventMS, Date.now())}`}`
      : "Views stand still";
  return (
    <button
      type="button"
      role="switch"
      aria-checked={on}
      title={title}
      onClick={() => set(!on)}
      className="control flex items-center gap-2 hover:bg-hover"
    >
      <span aria-hidden className="relative flex size-2">
        {on && !lost && connection === "connected" && (
          <span className="absolute inset-0 animate-ping rounded-full bg-allowed opacity-60" />
        )}
        <span
          className={`size-2 ${lost ? "bg-error" : on ? "rounded-full bg-allowed" : "rounded-full border border-faint"}`}
        />
      </span>
      {(lost || !on) && <span className="sr-only">Live: </span>}
      <span className="max-sm:sr-only">{lost ? "Offline" : on ? "Live" : "Paused"}</span>
    </button>
  );
}

const themes: Array<{ theme: Theme; label: string; icon: typeof Sun }> = [
  { theme: "system", label: "System", icon: Monitor },
  { theme: "light", label: "Light", icon: Sun },
  { theme: "dark", label: "Dark", icon: Moon },
];

function ViewerMenu() {
  const { viewer } = useViewer();
  const [, signOut] = useMutation(SignOut);
  const theme = useTheme();
  const leave = async () => {
    setSession("leaving");
    const result = await signOut({});
    if (result.error) return setSession("signed-in");
    if (viewer?.signOutUrl) location.assign(viewer.signOutUrl);
    else setSession("signed-out");
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <button
          type="button"
          aria-label="Account and theme"
          className="inline-flex size-8 shrink-0 items-center justify-center rounded-control text-muted hover:bg-hover hover:text-ink pointer-coarse:size-10"
        >
          <CircleUser aria-hidden className="size-5" />
        </button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          className="z-40 w-56 rounded-panel border border-line-strong bg-raised p-1.5"
        >
          <div className="px-2 pt-1 pb-2">
            <div className="truncate font-medium">
              {viewer?.member?.name ?? viewer?.name ?? "…"}
            </div>
            <div className="truncate text-small text-faint">
              {viewer?.kind === "TOKEN" ? "API token" : (viewer?.member?.email ?? "no e-mail yet")}
            </div>
          </div>
          <DropdownMenu.Item className={itemClass} asChild>
            <Link href={paths.profile}>Profile</Link>
          </DropdownMenu.Item>
          <DropdownMenu.Separator className="-mx-1.5 mb-1.5 h-px bg-line" />
          <DropdownMenu.Label className="px-2 py-1 text-small text-faint">Theme</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={theme} onValueChange={(t) => setTheme(t as Theme)}>
            {themes.map(({ theme: value, label, icon: Icon }) => (
              <DropdownMenu.RadioItem key={value} value={value} className={itemClass}>
                <Icon aria-hidden className="size-4 text-muted" />
                <span className="grow">{label}</span>
                <DropdownMenu.ItemIndicator>
                  <span aria-hidden className="block size-1.5 rounded-full bg-accent" />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="-mx-1.5 my-1.5 h-px bg-line" />
          <DropdownMenu.Item className={itemClass} onSelect={leave}>
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
