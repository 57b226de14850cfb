import { describe, expect, it } from "vitest";
import { LiveBuffer, type LiveEvent } from "./live-buffer";

const event = (atMS: number, allowed: number, throttled = 0): LiveEvent => ({
  atMS,
  allowed,
  throttled,
  refused: 0,
  accounts: [{ accountId: "a", allowed, throttled, refused: 0 }],
});
const total = (values: Array<number | null>) => values.reduce<number>((s, v) => s + (v ?? 0), 0);

describe("LiveBuffer", () => {
  it("spreads an event over the second before it", () => {
    const buffer = new LiveBuffer(10);
    buffer.push(event(5_250, 100));
    expect(buffer.series(6_000, 3)).toMatchObject({ at: [3, 4, 5], allowed: [0, 75, 25] });
  });

  it("spreads a late, larger event back to the one before it", () => {
    const buffer = new LiveBuffer(10);
    buffer.push(event(2_000, 10));
    buffer.push(event(5_000, 30));
    expect(buffer.series(5_000, 4).allowed).toEqual([10, 10, 10, 10]);
  });

  it("does not smear traffic over the quiet time before it", () => {
    const buffer = new LiveBuffer(60);
    buffer.push(event(2_000, 10));
    buffer.push(event(30_000, 50));
    const { allowed } = buffer.series(30_000, 30);
    expect(allowed[29]).toBe(50);
    expect(allowed.slice(2, 29).every((v) => v === 0)).toBe(true);
  });

  it("keeps the sum of everything that was pushed, in any order", () => {
    const buffer = new LiveBuffer(60);
    for (const at of [10_100, 11_900, 11_300, 14_777, 15_001]) buffer.push(event(at, 7, 3));
    const series = buffer.series(20_000, 60);
    expect(total(series.allowed)).toBeCloseTo(35);
    expect(total(series.throttled)).toBeCloseTo(15);
  });

  it("forgets what is older than it reaches, and never resurrects it", () => {
    const buffer = new LiveBuffer(5);
    buffer.push(event(1_000, 10));
    buffer.push(event(20_000, 20));
    buffer.push(event(2_000, 99));
    expect(buffer.series(20_000, 5).allowed).toEqual([0, 0, 0, 0, 20]);
  });

  it("shows seconds without a connection as gaps, and connected silence as zero", () => {
    const buffer = new LiveBuffer(20);
    buffer.push(event(3_000, 10));
    buffer.cut(5_000);
    buffer.cut(5_500);
    buffer.mend(8_000);
    expect(buffer.series(10_000, 8).allowed).toEqual([10, 0, 0, null, null, null, 0, 0]);
  });

  it("gives a mean rate over the seconds that are known", () => {
    const buffer = new LiveBuffer(20);
    buffer.push(event(4_000, 10, 4));
    buffer.push(event(5_000, 20, 0));
    expect(buffer.rate(5_000, 2)).toEqual({ allowed: 15, throttled: 2, refused: 0 });
    expect(buffer.rate(5_000, 2, "a")).toMatchObject({ allowed: 15 });
    expect(buffer.rate(5_000, 2, "b")).toMatchObject({ allowed: 0 });
  });

  it("has no rate when nothing is known", () => {
    const buffer = new LiveBuffer(20);
    buffer.cut(0);
    expect(buffer.rate(5_000, 3)).toBeNull();
  });

  it("fills in what was counted before, and leaves what it knows better", () => {
    const buffer = new LiveBuffer(60);
    buffer.cut(0);
    buffer.push(event(31_000, 90));
    buffer.fill(0, 60_000, { allowed: 120, throttled: 60, refused: 0 });
    const { allowed, throttled } = buffer.series(32_000, 3);
    expect(allowed).toEqual([2, 90, 2]);
    expect(throttled).toEqual([1, 0, 1]);
  });
});
