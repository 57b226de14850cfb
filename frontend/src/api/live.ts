import { createContext, useContext, useEffect, useSyncExternalStore } from "react";
import { type Connection, onConnection, stayTuned } from "./client";
import { graphql } from "./gql";
import { type Counts, LiveBuffer } from "./live-buffer";
import { LiveSteps, type LiveTotals } from "./live-totals";

const LiveUsage = graphql(`
  subscription LiveUsage {
    usage(everyMs: 500) {
      at
      from
      totals {
        allowed
        throttled
        refused
      }
      accounts {
        accountId
        totals {
          allowed
          throttled
          refused
        }
      }
    }
  }
`);

/** How much of the live feed is kept. */
export const liveSeconds = 300;
/** At most two redraws a second. */
const redrawEveryMS = 500;
/** Commits arrive up to this long after the second they belong to. */
const settleMS = 2_000;

export type LiveState = {
  connection: Connection | "off";
  /** Of the last request seen, by the control plane's clock, in milliseconds; null before. */
  lastEventMS: number | null;
  /** Grows with every redraw, so that readers see new contents. */
  version: number;
};

/**
 * The live feed: one subscription for the whole app, kept in a buffer. Readers
 * are told at most twice a second, and not at all while the tab is hidden.
 */
export class LiveFeed {
  readonly buffer = new LiveBuffer(liveSeconds);
  #state: LiveState = { connection: "off", lastEventMS: null, version: 0 };
  #listeners = new Set<() => void>();
  #steps = new LiveSteps();
  #clockOffsetMS: number | null = null;
  #stop: (() => void) | null = null;
  #startedMS: number | null = null;
  #filledFromMS: number | null = null;

  constructor() {
    this.buffer.cut(0); // nothing is known of the time before
  }

  subscribe = (listen: () => void) => {
    this.#listeners.add(listen);
    return () => this.#listeners.delete(listen);
  };

  state = () => this.#state;

  /** The end of the newest second that is complete, by the control plane's clock. */
  settledMS(): number {
    return Date.now() + (this.#clockOffsetMS ?? 0) - settleMS;
  }

  /** How far back anything is known: since the feed's first start, or what was filled in before. */
  secondsKnown(): number {
    if (this.#startedMS === null) return 0;
    return Math.ceil((Date.now() - (this.#filledFromMS ?? this.#startedMS)) / 1000);
  }

  /** Fills the time before the feed's first start with what was counted, minute by minute. */
  fillBefore(minutes: ReadonlyArray<Counts & { atMS: number }>) {
    if (this.#startedMS === null || this.#filledFromMS !== null) return;
    const startedMS = this.#startedMS + (this.#clockOffsetMS ?? 0);
    for (const minute of minutes) {
      const endMS = Math.min(minute.atMS + 60_000, startedMS);
      if (endMS > minute.atMS) this.buffer.fill(minute.atMS, endMS, minute);
    }
    this.#filledFromMS = minutes[0]?.atMS ?? null;
    this.#set({ version: this.#state.version + 1 });
  }

  start() {
    if (this.#stop) return;
    this.#startedMS ??= Date.now();
    this.#set({ connection: "connecting" });
    const forget = onConnection((connection) => this.#follow(connection));
    const unsubscribe = stayTuned(
      LiveUsage,
      {},
      {
        next: ({ usage }) => this.#receive(usage),
        refused: (reason) => this.#follow(reason ? "disconnected" : "connected"),
      },
    );
    const redraw = setInterval(() => {
      if (!document.hidden) this.#set({ version: this.#state.version + 1 });
    }, redrawEveryMS);
    this.#stop = () => {
      forget();
      unsubscribe();
      clearInterval(redraw);
    };
  }

  stop() {
    this.#stop?.();
    this.#stop = null;
    this.#cut();
    this.#set({ connection: "off" });
  }

  #serverNowMS() {
    return Date.now() + (this.#clockOffsetMS ?? 0);
  }

  #cut() {
    this.buffer.cut(this.#serverNowMS());
    this.#steps.forget();
  }

  #follow(connection: Connection) {
    if (connection === "connected") this.buffer.mend(this.#serverNowMS());
    if (connection === "disconnected") this.#cut();
    // Between two attempts it still is disconnected, as far as anyone looking is concerned.
    const retrying = connection === "connecting" && this.#state.connection === "disconnected";
    if (!retrying) this.#set({ connection });
  }

  #receive(totals: LiveTotals) {
    const event = this.#steps.step(totals);
    // The least delayed event tells best how far the two clocks are apart.
    const offsetMS = event.atMS - Date.now();
    this.#clockOffsetMS = Math.max(this.#clockOffsetMS ?? offsetMS, offsetMS);
    this.buffer.push(event);
    if (event.allowed + event.throttled + event.refused > 0)
      this.#state = { ...this.#state, lastEventMS: event.atMS };
  }

  #set(change: Partial<LiveState>) {
    this.#state = { ...this.#state, ...change };
    for (const listen of this.#listeners) listen();
  }
}

const FeedContext = createContext<LiveFeed | null>(null);
export const LiveFeedProvider = FeedContext.Provider;

export function useLiveFeed(): LiveFeed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useLiveFeed needs a LiveFeedProvider");
  return feed;
}

/** Runs the feed while `on`; for the frame alone. */
export function useRunLive(on: boolean) {
  const feed = useLiveFeed();
  useEffect(() => {
    if (!on) return;
    feed.start();
    return () => feed.stop();
  }, [on, feed]);
}

/** The feed and its state; renders again at most twice a second. */
export function useLive(): { feed: LiveFeed } & LiveState {
  const feed = useLiveFeed();
  return { feed, ...useSyncExternalStore(feed.subscribe, feed.state) };
}

/** Only whether the feed is connected; does not render again with every redraw. */
export function useLiveConnection() {
  const feed = useLiveFeed();
  return useSyncExternalStore(feed.subscribe, () => feed.state().connection);
}
