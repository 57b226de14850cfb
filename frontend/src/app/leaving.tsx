import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { type AroundNavHandler, Router } from "wouter";
import { Confirm } from "~/ui/Dialog";

type Guard = { setDirty: (dirty: boolean) => void };
const GuardContext = createContext<Guard | null>(null);

/** The part of the Navigation API that is needed here; not every browser has it. */
type NavigateEvent = Event & {
  navigationType: string;
  destination: { url: string; key: string };
};
type Navigation = EventTarget & { traverseTo: (key: string) => unknown };
const navigation = (globalThis as { navigation?: Navigation }).navigation;

/**
 * Holds back navigation away from unsaved changes until the reader says so:
 * links and commands, back and forward, and closing the tab.
 */
export function LeavingGuard({ children }: { children: ReactNode }) {
  const dirty = useRef(false);
  const [held, setHeld] = useState<(() => void) | null>(null);
  const guard = useMemo<Guard>(
    () => ({
      setDirty: (next) => {
        dirty.current = next;
      },
    }),
    [],
  );

  const aroundNav: AroundNavHandler = (navigate, to, options) => {
    const staysHere = new URL(to, location.href).pathname === location.pathname;
    if (!dirty.current || staysHere) navigate(to, options);
    else setHeld(() => () => navigate(to, options));
  };

  useEffect(() => {
    const onUnload = (event: BeforeUnloadEvent) => {
      if (dirty.current) event.preventDefault();
    };
    const onNavigate = (event: Event) => {
      const { navigationType, destination } = event as NavigateEvent;
      const staysHere = new URL(destination.url).pathname === location.pathname;
      if (!dirty.current || navigationType !== "traverse" || !event.cancelable || staysHere) return;
      event.preventDefault();
      setHeld(() => () => navigation?.traverseTo(destination.key));
    };
    addEventListener("beforeunload", onUnload);
    navigation?.addEventListener("navigate", onNavigate);
    return () => {
      removeEventListener("beforeunload", onUnload);
      navigation?.removeEventListener("navigate", onNavigate);
    };
  }, []);

  const leave = () => {
    dirty.current = false;
    setHeld(null);
    held?.();
  };
  return (
    <GuardContext value={guard}>
      <Router aroundNav={aroundNav}>
        {children}
        {held && (
          <Confirm
            title="Leave without saving?"
            confirm="Discard changes"
            danger
            onConfirm={leave}
            onClose={() => setHeld(null)}
          >
            What you changed on this page has not been saved.
          </Confirm>
        )}
      </Router>
    </GuardContext>
  );
}

/** Asks before leaving while `dirty`. Returns how to let the next navigation pass. */
export function useUnsaved(dirty: boolean): () => void {
  const guard = useContext(GuardContext);
  useEffect(() => {
    guard?.setDirty(dirty);
    return () => guard?.setDirty(false);
  }, [dirty, guard]);
  return useLetGo();
}

/** How to let the next navigation pass, whatever is unsaved. */
export function useLetGo(): () => void {
  const guard = useContext(GuardContext);
  return () => guard?.setDirty(false);
}
