// A run over time: its state at each time at which something changed, as a pure function of its timeline
// (`GET /api/runs/{run_id}/timeline`, docs/live.md), and the words of a moment.
import type { Idle, Timeline } from "../api";
import { locale, t } from "../language";
import { changed, type RunState } from "../live";
import { insideSentence, lookOf } from "../ui/looks";

export interface Stop {
  at: string;
  time: number;
  state: RunState;
  // The paths of the steps that changed there.
  changes: string[];
}

// About how long Play takes for a whole run. A stop lasts long enough to be seen, and a run that waited overnight does not
// hold Play up.
const PLAY_MS = 12_000;
const [SHORTEST_MS, LONGEST_MS] = [40, 900];

// Return the state at each time of a timeline, its beginning included.
export function stopsOf({ queued_at, first, frames }: Timeline): Stop[] {
  const stops: Stop[] = [{ at: queued_at, time: Date.parse(queued_at), state: first, changes: [] }];
  for (const { at, change } of frames) {
    const state = changed(stops.at(-1)!.state, change);
    stops.push({ at, time: Date.parse(at), state, changes: Object.keys(change.steps ?? {}) });
  }
  return stops;
}

// Return the last stop at or before a time, the first one for earlier times.
export function stopAt(stops: Stop[], time: number): number {
  const next = stops.findIndex((one) => one.time > time);
  return next < 0 ? stops.length - 1 : Math.max(0, next - 1);
}

// Return how long Play stays at a stop: in proportion to the time, but never long.
export function pauseAt(stops: Stop[], index: number): number {
  const whole = stops.at(-1)!.time - stops[0]!.time || 1;
  const gap = (stops[index + 1]?.time ?? 0) - stops[index]!.time;
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (gap / whole) * PLAY_MS));
}

// Return a moment in words: `12:03:04, 3.2 s after the start: Classify running`.
export function wordsAt(stops: Stop[], index: number, idle: Idle[], titleOf: (path: string) => string): string {
  const { at, time, state, changes } = stops[index]!;
  const when = t("{clock}, {seconds} after the start", { clock: clock(time), seconds: seconds(time - stops[0]!.time) });
  const told = changes.map((path) => `${titleOf(path)} ${insideSentence(lookOf(state.steps[path]?.status ?? "pending").word)}`);
  const what = told.length > 2 ? [...told.slice(0, 2), t("{count} more changes", { count: told.length - 2 })] : told;
  if (what.length === 0 || index === stops.length - 1) what.push(t("run {status}", { status: insideSentence(lookOf(state.status).word) }));
  const rest = idle.find(({ since }) => since === at);
  return `${when}: ${what.join(", ")}${rest ? `. ${idleWords(rest)}` : ""}`;
}

function idleWords({ status, seconds: lasted, resumed_by }: Idle): string {
  const long = seconds(lasted * 1000);
  if (status === "queued") return t("Then in the queue for {time}", { time: long });
  if (status === "waiting") return t("Then nothing works for {time}", { time: long });
  const values = { status: insideSentence(lookOf(status).word), time: long };
  return resumed_by ? t("Then {status} for {time}, until {by} resumed it", { ...values, by: resumed_by }) : t("Then {status} for {time}", values);
}

export const clock = (time: number): string => new Date(time).toLocaleTimeString(locale());

// Return a duration in words: `3.2 s`, `2 min 10 s`, `3 h 5 min`.
export function seconds(milliseconds: number): string {
  const whole = Math.round(milliseconds / 1000);
  if (milliseconds < 9950) return `${(milliseconds / 1000).toLocaleString(locale(), { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
