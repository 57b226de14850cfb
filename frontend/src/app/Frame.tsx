import {
  Activity,
  CalendarClock,
  ChartColumn,
  CircleSlash,
  Gauge,
  Menu,
  Route as RouteIcon,
  ScrollText,
  Settings,
  Users,
} from "lucide-react";
import { Suspense, useEffect, useRef, useState } from "react";
import { Link, Redirect, useLocation } from "wouter";
import { useRunLive } from "~/api/live";
import { usePageHeld, useSession } from "~/api/session";
import { type Permission, useViewer } from "~/api/viewer";
import { IconButton } from "~/ui/Button";
import { Dialog } from "~/ui/Dialog";
import { Loading, Skeleton } from "~/ui/states";
import { CommandMenu } from "./CommandMenu";
import { ErrorBoundary } from "./ErrorBoundary";
import { useHref, useLiveSwitch } from "./location";
import { paths } from "./paths";
import { Routes } from "./routes";
import { TopBar } from "./TopBar";

type Page = {
  path: string;
  label: string;
  icon: typeof Activity;
  /** Without it the page is left out. */
  needs?: Permission;
  /** Whether it is for those, too, who see one account only. */
  bound?: boolean;
};

const pages: Page[] = [
  { path: paths.overview, label: "Overview", icon: Activity, needs: "USAGE_READ" },
  { path: paths.accounts, label: "Accounts", icon: Users, needs: "ACCOUNTS_READ" },
  { path: paths.tiers, label: "Tiers", icon: Gauge, needs: "POLICY_READ" },
  { path: paths.endpoints, label: "Endpoints", icon: RouteIcon, needs: "POLICY_READ" },
  { path: paths.usage, label: "Usage", icon: ChartColumn, needs: "USAGE_READ", bound: true },
  { path: paths.denials, label: "Denials", icon: CircleSlash, needs: "USAGE_READ", bound: true },
  { path: paths.scheduled, label: "Scheduled", icon: CalendarClock, needs: "POLICY_READ" },
  { path: paths.audit, label: "Audit", icon: ScrollText, needs: "AUDIT_READ" },
  { path: paths.settings, label: "Settings", icon: Settings },
];

/** The pages for whoever is signed in. */
function usePages(): Page[] {
  const { viewer, may } = useViewer();
  const own = viewer?.account;
  if (!own) return pages.filter((page) => may(page.needs));
  return [
    { path: paths.account(own.id), label: own.name, icon: Users },
    ...pages.filter((page) => page.bound && may(page.needs)),
  ];
}

/** What stays around every page: navigation, top bar, command menu. */
export function Frame() {
  const session = useSession();
  const held = usePageHeld();
  const [location] = useLocation();
  const [live] = useLiveSwitch();
  const [menuOpen, setMenuOpen] = useState(false);
  const [commandsOpen, setCommandsOpen] = useState(false);
  useRunLive(live && session === "signed-in");
  useCommandKey(() => setCommandsOpen(true));
  const main = useFocusOnNavigation(location);
  const nav = usePages();

  if (!held && (session === "signed-out" || session === "ended")) {
    const query = new URLSearchParams({ next: location + window.location.search });
    if (session === "ended") query.set("ended", "true");
    return <Redirect to={`${paths.signIn}?${query}`} replace />;
  }
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="absolute top-2 left-2 z-50 -translate-y-16 rounded-control bg-accent px-3 py-2 font-medium text-on-accent focus:translate-y-0"
      >
        Skip to content
      </a>
      <aside className="hidden border-r border-line bg-surface lg:block">
        <div className="sticky top-0 flex h-dvh flex-col">
          <Brand />
          <Nav />
          <a
            href={paths.graphiql}
            className="mx-2 mt-auto mb-3 rounded-control px-3 py-1.5 text-small text-faint hover:bg-hover hover:text-ink"
          >
            GraphiQL
          </a>
        </div>
      </aside>
      <div className="flex min-w-0 flex-col">
        <TopBar
          menu={
            <IconButton
              label="Open navigation"
              className="lg:hidden"
              onClick={() => setMenuOpen(true)}
            >
              <Menu aria-hidden className="size-5" />
            </IconButton>
          }
          onSearch={() => setCommandsOpen(true)}
        />
        <main
          ref={main}
          id="main"
          tabIndex={-1}
          className="mx-auto flex w-full max-w-[90rem] min-w-0 grow flex-col gap-4 p-4 outline-none md:px-6 md:py-5"
        >
          <ErrorBoundary key={location}>
            <Suspense fallback={<PageSkeleton />}>
              <Routes />
            </Suspense>
          </ErrorBoundary>
        </main>
      </div>
      {menuOpen && (
        <Dialog title="Weir" onClose={() => setMenuOpen(false)}>
          <Nav onNavigate={() => setMenuOpen(false)} />
        </Dialog>
      )}
      {commandsOpen && (
        <CommandMenu
          pages={nav.map(({ path, label }) => ({ path, label }))}
          onClose={() => setCommandsOpen(false)}
        />
      )}
    </div>
  );
}

function Brand() {
  return (
    <div className="flex h-14 items-center gap-2 px-5 text-title font-semibold tracking-tight">
      <img src="/icon.svg" alt="" className="size-5" />
      Weir
    </div>
  );
}

function Nav({ onNavigate }: { onNavigate?: () => void }) {
  const [location] = useLocation();
  const href = useHref();
  const nav = usePages();
  return (
    <nav aria-label="Main" className="flex flex-col gap-0.5 px-2">
      {nav.map(({ path, label, icon: Icon }) => {
        const active = isWithin(location, path);
        return (
          <Link
            key={path}
            href={href(path)}
            onClick={onNavigate}
            aria-current={active ? "page" : undefined}
            className={`flex h-8 items-center gap-2.5 rounded-control px-3 pointer-coarse:h-11 ${
              active ? "bg-hover font-medium text-ink" : "text-muted hover:bg-hover hover:text-ink"
            }`}
          >
            <Icon aria-hidden className={`size-4 ${active ? "text-accent" : ""}`} />
            {label}
          </Link>
        );
      })}
    </nav>
  );
}

function isWithin(location: string, path: string) {
  if (path === "/") return location === "/";
  // A limit's page belongs to its tier.
  return location.startsWith(path) || (path === paths.tiers && location.startsWith("/limits/"));
}

function PageSkeleton() {
  return (
    <Loading what="the page">
      <Skeleton className="h-8 w-40" />
      <Skeleton className="mt-4 h-72 w-full" />
    </Loading>
  );
}

function useCommandKey(open: () => void) {
  const latest = useRef(open);
  latest.current = open;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

/** After a navigation, focus goes on from the new page's beginning. */
function useFocusOnNavigation(location: string) {
  const main = useRef<HTMLElement>(null);
  const last = useRef(location);
  useEffect(() => {
    if (last.current === location) return;
    last.current = location;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [location]);
  return main;
}
