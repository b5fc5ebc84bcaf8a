/** When crons fire, by a clock of ours. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAlarms, createCrons } from "../../src/host/broker/index.ts";
import { cronTimes } from "../../src/lib/cron.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T08:00:30Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

const iso = (time: number | undefined) => time && new Date(time).toISOString();

describe("the platform's dialect", () => {
  const from = Date.parse("2026-11-21T08:00:00Z"); // a Saturday
  test.each([
    ["*/30 * * * *", "2026-11-21T08:30:00.000Z"],
    ["0 17 * * sun", "2026-11-22T17:00:00.000Z"],
    ["0 17 * * 1", "2026-11-22T17:00:00.000Z"],
    ["10 7 * * mon-fri", "2026-11-23T07:10:00.000Z"],
    ["10 7 * * 2-6", "2026-11-23T07:10:00.000Z"],
    ["0 15 1 * *", "2026-12-01T15:00:00.000Z"],
    ["0 18 * * 6L", "2026-11-27T18:00:00.000Z"],
    ["59 23 LW * *", "2026-11-30T23:59:00.000Z"],
    ["0 0 * DEC fri#2", "2026-12-11T00:00:00.000Z"],
  ])("%s", (expression, time) => {
    expect(iso(cronTimes(expression).next(from))).toBe(time);
  });

  test.each(["", "every day", "* * * * * *", "60 * * * *", "* * * * 0"])("%j is none", (expression) => {
    expect(() => cronTimes(expression)).toThrow();
  });
});

test("fires each at its time, once, and what is new from then on", () => {
  const fired: string[] = [];
  const invalid: string[] = [];
  const crons = createCrons({
    fire: ({ worker, cron }, time) => fired.push(`${worker} ${cron} ${time.toISOString().slice(11, 16)}`),
    onInvalid: ({ cron }) => invalid.push(cron),
  });
  const minutely = { worker: "a@production", cron: "* * * * *" };
  const hourly = { worker: "b@staging", cron: "0 * * * *" };
  crons.set([minutely, hourly, { worker: "b@staging", cron: "nonsense" }]);
  vi.advanceTimersByTime(29_999);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(fired).toEqual(["a@production * * * * * 08:01"]);
  // Said again, it neither fires twice nor starts anew.
  crons.set([minutely, hourly, { worker: "b@staging", cron: "nonsense" }]);
  vi.advanceTimersByTime(60_000);
  expect(fired).toHaveLength(2);
  crons.set([hourly]);
  vi.advanceTimersByTime(60 * 60_000);
  expect(fired.slice(2)).toEqual(["b@staging 0 * * * * 09:00"]);
  expect(invalid).toEqual(["nonsense"]);
  crons.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("what was slept through fires once, not as often as it was missed", () => {
  const fired: string[] = [];
  const crons = createCrons({ fire: (_trigger, time) => fired.push(time.toISOString().slice(11, 16)) });
  crons.set([{ worker: "a@production", cron: "* * * * *" }]);
  // The machine sleeps for an hour: timers don't run, the clock goes on.
  vi.setSystemTime(Date.parse("2026-11-21T09:00:10Z"));
  vi.advanceTimersByTime(30_000);
  expect(fired).toEqual(["08:01"]);
  vi.advanceTimersByTime(30_000);
  expect(fired).toEqual(["08:01", "09:01"]);
  crons.stop();
});

test("alarms ring in time, not when they were cleared, and far ones at all", () => {
  const rung: string[] = [];
  const alarms = createAlarms((graph) => rung.push(graph));
  const now = Date.now();
  const day = 24 * 60 * 60 * 1000;
  alarms.set("soon", now + 10_000);
  alarms.set("overdue", now - 10_000);
  alarms.set("cleared", now + 10_000);
  alarms.set("far", now + 40 * day);
  alarms.clear("cleared");
  vi.advanceTimersByTime(9_999);
  expect(rung).toEqual(["overdue"]);
  vi.advanceTimersByTime(1);
  expect(rung).toEqual(["overdue", "soon"]);
  vi.advanceTimersByTime(39 * day);
  expect(rung).toHaveLength(2);
  vi.advanceTimersByTime(day);
  expect(rung).toEqual(["overdue", "soon", "far"]);
});
