/** What happened to requests; also the parts of a live event. */
export type Counts = { allowed: number; throttled: number; refused: number };

export type LiveEvent = Counts & {
  /** When the control plane put it together, in milliseconds since 1970. */
  atMS: number;
  accounts: ReadonlyArray<Counts & { accountId: string | null }>;
};

/** Requests per second, second by second; null where the feed was cut. */
export type LiveSeries = {
  /** The beginning of each second, in seconds since 1970. */
  at: number[];
  allowed: Array<number | null>;
  throttled: Array<number | null>;
  refused: Array<number | null>;
};

const none: Counts = { allowed: 0, throttled: 0, refused: 0 };
/** An event says what was committed since the one before, but at most this long ago. */
const longestSpreadMS = 4_000;
const usualSpreadMS = 1_000;

type Slot = { second: number; counts: Counts; byAccount: Map<string | null, Counts> };

/**
 * The last `seconds` seconds of live usage in slots of one second. An event
 * covers the time since the event before it, so its counts are spread evenly
 * over the slots it overlaps; sums are kept. Time comes in as a parameter.
 */
export class LiveBuffer {
  readonly #slots: Slot[];
  #lastEventMS: number | null = null;
  /** Stretches without a connection, oldest first; an open one ends at null. */
  #cuts: Array<{ fromMS: number; toMS: number | null }> = [];

  constructor(readonly seconds: number) {
    this.#slots = Array.from({ length: seconds }, () => emptySlot(-1));
  }

  push(event: LiveEvent) {
    const sinceMS = event.atMS - (this.#lastEventMS ?? Number.NEGATIVE_INFINITY);
    const spreadMS = sinceMS > 0 && sinceMS <= longestSpreadMS ? sinceMS : usualSpreadMS;
    this.#lastEventMS = Math.max(event.atMS, this.#lastEventMS ?? event.atMS);
    const fromMS = event.atMS - spreadMS;
    for (let s = Math.floor(fromMS / 1000); s * 1000 < event.atMS; s++) {
      const overlapMS = Math.min(event.atMS, (s + 1) * 1000) - Math.max(fromMS, s * 1000);
      this.#add(s, event, overlapMS / spreadMS);
    }
  }

  #add(second: number, event: LiveEvent, part: number) {
    const index = ((second % this.seconds) + this.seconds) % this.seconds;
    let slot = this.#slots[index] as Slot;
    if (slot.second > second) return; // older than the buffer reaches
    if (slot.second < second) slot = this.#slots[index] = emptySlot(second);
    slot.counts = plus(slot.counts, event, part);
    for (const a of event.accounts) {
      slot.byAccount.set(a.accountId, plus(slot.byAccount.get(a.accountId) ?? none, a, part));
    }
  }

  /**
   * Fills the whole seconds of a stretch that nothing is kept of yet with what
   * was counted in it, spread evenly.
   */
  fill(fromMS: number, toMS: number, counted: Counts) {
    const first = Math.ceil(fromMS / 1000);
    const end = Math.floor(toMS / 1000);
    for (let second = Math.max(first, end - this.seconds); second < end; second++) {
      const index = ((second % this.seconds) + this.seconds) % this.seconds;
      if ((this.#slots[index] as Slot).second >= second) continue;
      const slot = emptySlot(second);
      slot.counts = plus(none, counted, 1000 / (toMS - fromMS));
      this.#slots[index] = slot;
    }
  }

  /** The feed is down from `nowMS` on. Repeating it changes nothing. */
  cut(nowMS: number) {
    if (this.#cuts.at(-1)?.toMS === null) return;
    this.#cuts.push({ fromMS: nowMS, toMS: null });
  }

  /** The feed is back. */
  mend(nowMS: number) {
    const open = this.#cuts.at(-1);
    if (open?.toMS === null) open.toMS = nowMS;
    const oldest = nowMS - this.seconds * 1000;
    this.#cuts = this.#cuts.filter((c) => c.toMS === null || c.toMS > oldest);
  }

  #known(second: number) {
    const fromMS = second * 1000;
    return !this.#cuts.some((c) => fromMS < (c.toMS ?? Infinity) && fromMS + 1000 > c.fromMS);
  }

  #at(second: number): Slot | null {
    const slot = this.#slots[((second % this.seconds) + this.seconds) % this.seconds] as Slot;
    return slot.second === second ? slot : null;
  }

  /** The `length` whole seconds that end at or before `endMS`. */
  series(endMS: number, length: number, accountId?: string): LiveSeries {
    const out: LiveSeries = { at: [], allowed: [], throttled: [], refused: [] };
    const end = Math.floor(endMS / 1000);
    for (let second = end - Math.min(length, this.seconds); second < end; second++) {
      const slot = this.#at(second);
      const counts =
        accountId === undefined ? (slot?.counts ?? none) : (slot?.byAccount.get(accountId) ?? none);
      const value = slot !== null || this.#known(second) ? counts : null;
      out.at.push(second);
      out.allowed.push(value?.allowed ?? null);
      out.throttled.push(value?.throttled ?? null);
      out.refused.push(value?.refused ?? null);
    }
    return out;
  }

  /** Mean requests per second over the `length` seconds before `endMS`; null when all were cut. */
  rate(endMS: number, length: number, accountId?: string): Counts | null {
    const series = this.series(endMS, length, accountId);
    let sum = none;
    let known = 0;
    for (let i = 0; i < series.at.length; i++) {
      const allowed = series.allowed[i];
      if (allowed === null || allowed === undefined) continue;
      known++;
      const at = { allowed, throttled: series.throttled[i] ?? 0, refused: series.refused[i] ?? 0 };
      sum = plus(sum, at, 1);
    }
    return known === 0 ? null : plus(none, sum, 1 / known);
  }
}

function emptySlot(second: number): Slot {
  return { second, counts: none, byAccount: new Map() };
}

function plus(a: Counts, b: Counts, part: number): Counts {
  return {
    allowed: a.allowed + b.allowed * part,
    throttled: a.throttled + b.throttled * part,
    refused: a.refused + b.refused * part,
  };
}
