import type { Counts, LiveEvent } from "./live-buffer";

/** The usage of one day up to a moment, as the usage subscription tells it. */
export type LiveTotals = {
  at: string;
  from: string;
  totals: Counts;
  accounts: ReadonlyArray<{ accountId: string | null; totals: Counts }>;
};

const none: Counts = { allowed: 0, throttled: 0, refused: 0 };

/**
 * Makes of each event what happened since the one before. What came before the
 * first event is unknown, of everybody and of each account; so is what came
 * before the first event after `forget`.
 */
export class LiveSteps {
  #day: string | null = null;
  #totals: Counts = none;
  #accounts = new Map<string | null, Counts>();

  forget() {
    this.#day = null;
    this.#accounts.clear();
  }

  step(event: LiveTotals): LiveEvent {
    const known = this.#day !== null;
    if (this.#day !== event.from) {
      // The totals of a new day begin at nothing.
      this.#totals = none;
      for (const id of this.#accounts.keys()) this.#accounts.set(id, none);
      this.#day = event.from;
    }
    const accounts = event.accounts.map(({ accountId, totals }) => {
      const before = this.#accounts.get(accountId) ?? totals;
      this.#accounts.set(accountId, totals);
      return { accountId, ...less(totals, before) };
    });
    const counts = known ? less(event.totals, this.#totals) : none;
    this.#totals = event.totals;
    return { ...counts, accounts, atMS: Date.parse(event.at) };
  }
}

/** A process that reads the store again may find less than it took for counted. */
const less = (a: Counts, b: Counts): Counts => ({
  allowed: Math.max(0, a.allowed - b.allowed),
  throttled: Math.max(0, a.throttled - b.throttled),
  refused: Math.max(0, a.refused - b.refused),
});
