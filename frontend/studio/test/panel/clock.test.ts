// The clock below the field of a time: it speaks the reader's zone, and the file gets the offset.
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { timeWords, withOffset } from "../../src/panel/Clock";

beforeAll(() => vi.stubEnv("TZ", "Europe/Berlin"));
afterAll(() => vi.unstubAllEnvs());

test.each([
  ["2026-12-01T08:00", "2026-12-01T08:00:00+01:00"],
  ["2026-07-01T00:30", "2026-07-01T00:30:00+02:00"],
])("%s in Berlin has its offset", (clock, time) => expect(withOffset(new Date(clock))).toBe(time));

test("so has a time west of Greenwich, and one with half an hour", () => {
  vi.stubEnv("TZ", "America/St_Johns");
  expect(withOffset(new Date("2026-12-01T08:00"))).toBe("2026-12-01T08:00:00-03:30");
  vi.stubEnv("TZ", "Europe/Berlin");
});

test.each([
  ["2026-12-01T08:00:00Z", "Tue, 1 Dec 2026, 09:00 CET"],
  ["2026-12-01T08:00:00-05:00", "Tue, 1 Dec 2026, 14:00 CET"],
  ["10m", ""],
  ["", ""],
  ["2026-12-01T08:00:00", ""],
])("%s in words", (time, words) => expect(timeWords(time)).toBe(words));
