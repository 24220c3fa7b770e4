// The slider: its state at a time is what the engine says of that time, and the words and marks of a moment.
import { describe, expect, test } from "vitest";

import { stepsOf } from "../src/document";
import { differenceWords, lineMark, predictedMarks, runMarks, stateWords, type Marks } from "../src/flow/marks";
import { pauseAt, seconds, stopAt, stopsOf, wordsAt } from "../src/flow/past";
import { willWords, type StepPrediction } from "../src/flow/prediction";
import type { RunState, StepState } from "../src/live";
import { modelOf } from "../src/model";
import { waited } from "./timelines.mjs";

const { line, states } = waited();

const NOTHING = { input_tokens: 0, output_tokens: 0, cost_usd: 0 };
const step = (status: string, more: Partial<StepState> = {}): StepState => ({ status, counts: { [status]: 1 }, started_at: null, ended_at: null, due_at: null, attempts: 1, usage: NOTHING, ...more });

describe("the past", () => {
  const stops = stopsOf(line);

  test("has at each time the state that the engine says", () => {
    expect(Object.keys(states).length).toBeGreaterThan(200);
    for (const [time, state] of Object.entries(states)) expect(stops[stopAt(stops, Date.parse(time))]!.state, time).toEqual(state);
  });

  test("is named in words, with the stretches in which nothing worked", () => {
    const title = (path: string) => ({ sort: "Classify", ask: "Ask Ann", send: "Send it" })[path] ?? path;
    const words = stops.map((_, index) => wordsAt(stops, index, line.idle, title).replace(/^\S+, /, ""));
    expect(words[0]).toBe("0.0 s after the start: run queued. Then in the queue for 1.0 s");
    expect(words[1]).toBe("1.0 s after the start: Classify running");
    expect(words[2]).toBe("4.0 s after the start: Classify succeeded, Ask Ann waiting. Then nothing works for 2 h 10 min");
    expect(words.find((one) => one.includes("resumed"))).toContain("Send it failed. Then failed for 2 h 49 min, until ann resumed it");
    expect(words.at(-1)).toMatch(/^5 h 0 min after the start: Send it succeeded, run succeeded$/);
  });

  test("is played in seconds, whatever it lasted", () => {
    const all = stops.slice(0, -1).map((_, index) => pauseAt(stops, index));
    expect(Math.min(...all)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...all)).toBeLessThanOrEqual(900);
  });

  test.each([[40, "0.0 s"], [3_240, "3.2 s"], [59_000, "59 s"], [130_000, "2 min 10 s"], [11_100_000, "3 h 5 min"]])("%d ms are %s", (one, words) => {
    expect(seconds(one)).toBe(words);
  });
});

describe("a step", () => {
  test("says how many of its items are done", () => {
    expect(stateWords(step("running"))).toBe("Running");
    expect(stateWords(step("running", { counts: { succeeded: 11, failed: 1, running: 1, pending: 12 } }))).toBe("Running, 12 of 25, 1 failed");
    expect(stateWords(step("succeeded", { counts: { succeeded: 20, skipped: 5 } }))).toBe("Succeeded, all 25");
  });

  test("says how it differs from another run", () => {
    const at = (started: number, ended: number) => ({ started_at: new Date(started).toISOString(), ended_at: new Date(ended).toISOString() });
    expect(differenceWords(step("failed"), step("succeeded"))).toBe("succeeded in the other run");
    expect(differenceWords(step("succeeded", at(0, 5_000)), step("succeeded", at(0, 2_000)))).toBe("3.0 s longer");
    expect(differenceWords(step("succeeded", at(0, 2_050)), step("succeeded", at(0, 2_000)))).toBe("");
    expect(differenceWords(step("succeeded", { usage: { ...NOTHING, cost_usd: 0.01 } }), step("succeeded"))).toBe("$0.0100 more");
    expect(differenceWords(undefined, step("succeeded"))).toBe("only in the other run");
    expect(differenceWords(undefined, undefined)).toBe("");
    expect(differenceWords(step("running"), step("failed"))).toBe("");
  });

  test("is marked as missing only when the run is over", () => {
    const other = { steps: { a: step("succeeded") } } as unknown as RunState;
    const until = (ended_at: string | null) => runMarks({ steps: {}, ended_at } as unknown as RunState, other).a?.difference;
    expect([until(null), until("2026-11-20T10:00:00Z")]).toEqual([undefined, "only in the other run"]);
  });

  const prediction = (counts: StepPrediction["counts"], more: Partial<StepPrediction> = {}): StepPrediction => ({ path: "a", type: "object", may_be_missing: false, counts, cases: [], ...more });

  test("says what it would do, first the value that has changed", () => {
    const fields = [
      { name: "if", value: "true", was: null, why: "" },
      { name: "to", value: '"ann"', was: null, why: "" },
      { name: "title", value: '"New"', was: '"Old"', why: "" },
    ];
    const cases = [{ path: "a", key: "", will: "run" as const, why: "", fields, output: null }];
    expect(willWords(prediction({ run: 1 }, { cases }))).toBe('would run, title "New"');
    expect(willWords(prediction({ run: 20, skip: 5 }))).toBe("20 would run, 5 would be skipped");
    expect(willWords(prediction({}, { type: "any", may_be_missing: true }))).toBe("gives any value, or nothing");
    expect(predictedMarks({ rev: "", run_id: "r", why: "", steps: [prediction({})] }).a!.words).toBe("Predicted: not reached");
  });
});

test("a line has the number of items or a tick, moves while the step below runs, and is hollow where nothing may come", () => {
  const definition = { steps: [{ id: "a", uses: "flow.set" }, { id: "b", foreach: "{{ x }}", steps: [{ id: "c", uses: "flow.set" }] }, { id: "d", uses: "flow.set" }] };
  const { nodes } = modelOf(stepsOf(definition, () => undefined, () => []));
  const [a, b, c, d] = ["a", "b", "c", "d"].map((key) => nodes.get(key)!);
  const items = { counts: { running: 1, pending: 24 } };
  const run = { steps: { a: step("succeeded"), b: step("running", items), "b.c": step("running", { counts: { running: 1 } }) } } as unknown as RunState;
  const marks: Marks = runMarks(run, null);
  expect(lineMark(marks, a!, b!)).toMatchObject({ text: "25", isRunning: true });
  expect(lineMark(marks, b!, c!)).toMatchObject({ text: "25", isRunning: true });
  expect(lineMark(marks, b!, d!)).toBeNull();
  expect(lineMark(marks, null, a!)).toMatchObject({ text: "✓", isRunning: false });
  const given = (path: string, type: string): StepPrediction => ({ path, type, may_be_missing: true, counts: {}, cases: [] });
  const predicted = predictedMarks({ rev: "", run_id: null, why: "", steps: [given("a", "object"), given("b", "list of string")] });
  expect([lineMark(predicted, b!, c!)!.text, lineMark(predicted, b!, d!)!.text]).toEqual(["string", "list of string"]);
  expect(lineMark(predicted, a!, b!)).toEqual({ text: "object", isRunning: false, isPredicted: true, isHollow: true });
});
